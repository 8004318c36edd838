import Foundation

/// Formats and parses UUIDs in their text form (RFC 9562 §4), in lower case.
///
/// Faster than Foundation, which uses `printf` and `scanf`: every request and every message contains several UUIDs.
public enum UUIDText {
  /// The text of a UUID, for example `01a20e78-a2d1-7a89-955e-47dc5251495a`.
  public static func text(_ uuid: UUID) -> String {
    String(unsafeUninitializedCapacity: length) { target in
      write(uuid, to: UnsafeMutableRawBufferPointer(target))
      return length
    }
  }

  /// Writes the text to the beginning of `target`, which must have at least ``length`` bytes.
  public static func write(_ uuid: UUID, to target: UnsafeMutableRawBufferPointer) {
    withUnsafeBytes(of: uuid.uuid) { bytes in
      var position = 0
      for (index, byte) in bytes.enumerated() {
        if isBehindHyphen(index) {
          target[position] = hyphen
          position += 1
        }
        target[position] = Hex.digit(byte >> 4)
        target[position + 1] = Hex.digit(byte & 0xF)
        position += 2
      }
    }
  }

  /// Parses the text of a UUID, with digits of either case; nil if it is malformed.
  public static func uuid(_ text: some Sequence<UInt8>) -> UUID? {
    var uuid: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    let isValid = withUnsafeMutableBytes(of: &uuid) { target in
      var position = 0
      for byte in text {
        defer { position += 1 }
        guard position < length else { return false }
        if isHyphen(position) {
          guard byte == hyphen else { return false }
          continue
        }
        guard let value = Hex.value(ofDigit: byte) else { return false }
        let nibble = position - hyphensBefore(position)
        target[nibble / 2] |= nibble.isMultiple(of: 2) ? value << 4 : value
      }
      return position == length
    }
    return isValid ? UUID(uuid: uuid) : nil
  }

  /// Finds all UUIDs in text, in one pass.
  public static func all(in bytes: [UInt8]) -> Set<UUID> {
    var found: Set<UUID> = []
    scan(bytes) { _, uuid in found.insert(uuid) }
    return found
  }

  /// Replaces UUIDs in text by others, in one pass.
  public static func replacing(_ others: [UUID: UUID], in bytes: [UInt8]) -> [UInt8] {
    var replaced = bytes
    scan(bytes) { position, uuid in
      guard let other = others[uuid] else { return }
      replaced.withUnsafeMutableBytes { write(other, to: UnsafeMutableRawBufferPointer(rebasing: $0[position..<position + length])) }
    }
    return replaced
  }

  private static func scan(_ bytes: [UInt8], _ body: (_ position: Int, _ uuid: UUID) -> Void) {
    bytes.withUnsafeBufferPointer { bytes in
      var position = 0
      while position + length <= bytes.count {
        if bytes[position + 8] == hyphen, bytes[position + 13] == hyphen,
          let uuid = uuid(UnsafeBufferPointer(rebasing: bytes[position..<position + length]))
        {
          body(position, uuid)
          position += length
        } else {
          position += 1
        }
      }
    }
  }

  /// The length of the text, in bytes.
  public static let length = 36

  private static let hyphen = UInt8(ascii: "-")

  private static func isBehindHyphen(_ byte: Int) -> Bool { byte == 4 || byte == 6 || byte == 8 || byte == 10 }
  private static func isHyphen(_ position: Int) -> Bool { position == 8 || position == 13 || position == 18 || position == 23 }

  private static func hyphensBefore(_ position: Int) -> Int {
    position < 8 ? 0 : position < 13 ? 1 : position < 18 ? 2 : position < 23 ? 3 : 4
  }
}
