import Crypto
import Foundation
import Models
import Primitives

/// The digest under which a secret is stored.
public enum SecretDigest {
  /// The SHA-256 digest of `secret`, as 64 lower-case hexadecimal digits.
  public static func hex(of secret: String) -> String { Hex.encode(SHA256.hash(data: Data(secret.utf8))) }
}

/// The text format of all secrets: a prefix, then base64url of a workspace id, 256 random bits and a CRC-32.
///
/// Secret scanners recognise the prefix and verify the checksum. The workspace id makes every lookup a lookup within one workspace. Only the
/// SHA-256 digest of the text is stored; see ``SecretDigest``.
enum SecretFormat {
  /// The workspace in `text`; nil if the format or the checksum is wrong.
  static func workspace(in text: String, prefix: String) -> WorkspaceID? {
    content(of: text, prefix: prefix).map { WorkspaceID(bytes: $0.workspace) }
  }

  /// The workspace id and the random bytes in `text`; nil if the format or the checksum is wrong.
  static func content(of text: String, prefix: String) -> (workspace: ArraySlice<UInt8>, secret: ArraySlice<UInt8>)? {
    guard text.hasPrefix(prefix), let bytes = Base64URL.decode(text.utf8.dropFirst(prefix.utf8.count)),
      bytes.count == workspaceBytes + secretBytes + checksumBytes
    else { return nil }
    let content = bytes.prefix(workspaceBytes + secretBytes)
    guard CRC32.checksum(of: content).bigEndianBytes.elementsEqual(bytes.suffix(checksumBytes)) else { return nil }
    return (content.prefix(workspaceBytes), content.dropFirst(workspaceBytes))
  }

  /// Generates the text of a new secret. `generator` must be cryptographically secure.
  static func text(
    prefix: String, workspace: WorkspaceID, using generator: inout some RandomNumberGenerator
  ) -> String {
    text(prefix: prefix, workspace: workspace, secret: random(using: &generator))
  }

  /// Generates the random bytes of a secret.
  static func random(using generator: inout some RandomNumberGenerator) -> [UInt8] {
    (0..<secretBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
  }

  /// The text of the secret with these random bytes.
  static func text(prefix: String, workspace: WorkspaceID, secret: [UInt8]) -> String {
    var bytes = workspace.bytes + secret
    bytes += CRC32.checksum(of: bytes).bigEndianBytes
    return prefix + Base64URL.encode(bytes)
  }

  private static let workspaceBytes = 16
  private static let secretBytes = 32
  private static let checksumBytes = 4
}

/// CRC-32 with the polynomial of ISO 3309, as in zlib and Ethernet.
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
