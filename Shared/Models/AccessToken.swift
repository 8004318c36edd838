/// The text of an API access token: `rollcall_` and base64url of workspace id, 256 random bits and a checksum.
///
/// The prefix and the checksum let a secret scanner tell one from other text; the workspace id in it makes the look-up of a
/// token a look-up within one workspace. Only the text's SHA-256 is stored.
public struct AccessToken: Sendable, Hashable {
  public static let prefix = "rollcall_"

  /// The whole text, as a client sends it.
  public let text: String
  public let workspace: WorkspaceID

  /// Parses a token; nil where the form or the checksum is wrong, so without asking the database.
  public init?(_ text: String) {
    guard text.hasPrefix(Self.prefix),
      let bytes = Base64URL.decode(text.utf8.dropFirst(Self.prefix.utf8.count)),
      bytes.count == Self.workspaceBytes + Self.secretBytes + Self.checksumBytes
    else { return nil }
    let content = bytes.prefix(Self.workspaceBytes + Self.secretBytes)
    guard CRC32.checksum(of: content).bigEndianBytes.elementsEqual(bytes.suffix(Self.checksumBytes)) else { return nil }
    self.text = text
    self.workspace = WorkspaceID(bytes: content.prefix(Self.workspaceBytes))
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }

  /// A new token; `generator` must be fit for secrets.
  public static func made(for workspace: WorkspaceID, using generator: inout some RandomNumberGenerator) -> AccessToken {
    var bytes = workspace.bytes
    for _ in 0..<secretBytes { bytes.append(UInt8.random(in: .min ... .max, using: &generator)) }
    bytes += CRC32.checksum(of: bytes).bigEndianBytes
    return AccessToken(text: prefix + Base64URL.encode(bytes), workspace: workspace)
  }

  /// As ``made(for:using:)`` with the system's generator.
  public static func made(for workspace: WorkspaceID) -> AccessToken {
    var generator = SystemRandomNumberGenerator()
    return made(for: workspace, using: &generator)
  }

  private static let workspaceBytes = 16
  private static let secretBytes = 32
  private static let checksumBytes = 4
}

/// base64url without padding (RFC 4648 §5).
enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let values: [UInt8: UInt32] = Dictionary(uniqueKeysWithValues: alphabet.enumerated().map { ($1, UInt32($0)) })

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 4 / 3 + 4)
    var accumulator: UInt32 = 0
    var bits = 0
    for byte in bytes {
      accumulator = accumulator << 8 | UInt32(byte)
      bits += 8
      while bits >= 6 {
        bits -= 6
        text.append(alphabet[Int(accumulator >> UInt32(bits) & 0x3F)])
      }
    }
    if bits > 0 { text.append(alphabet[Int(accumulator << UInt32(6 - bits) & 0x3F)]) }
    return String(decoding: text, as: UTF8.self)
  }

  /// nil where a character is not of the alphabet, or the last one has bits that no encoder writes.
  static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var accumulator: UInt32 = 0
    var bits = 0
    for character in text {
      guard let value = values[character] else { return nil }
      accumulator = (accumulator << 6 | value) & 0xFFFF
      bits += 6
      if bits >= 8 {
        bits -= 8
        bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
      }
    }
    guard bits < 6, accumulator & (1 << UInt32(bits) - 1) == 0 else { return nil }
    return bytes
  }
}

/// The checksum of ISO 3309, as zlib and Ethernet have it.
enum CRC32 {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }

  static func checksum(of bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { value, byte in table[Int((value ^ UInt32(byte)) & 0xFF)] ^ (value >> 8) }
  }
}

extension UInt32 {
  fileprivate var bigEndianBytes: [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: self >> UInt32($0)) }
  }
}
