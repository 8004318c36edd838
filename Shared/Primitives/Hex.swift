/// Hexadecimal encoding (RFC 4648 §8).
public enum Hex {
  /// Two digits for each of `bytes`.
  public static func encode(_ bytes: some Sequence<UInt8>, uppercase: Bool = false) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.underestimatedCount * 2)
    for byte in bytes {
      text.append(digit(byte >> 4, uppercase: uppercase))
      text.append(digit(byte & 0xF, uppercase: uppercase))
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Decodes pairs of digits of either case.
  ///
  /// - Returns: nil if `text` has an odd number of digits or another character.
  public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 2)
    var high: UInt8?
    for digit in text {
      guard let value = value(ofDigit: digit) else { return nil }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? bytes : nil
  }

  /// The ASCII digit for a value from 0 to 15.
  @inlinable
  public static func digit(_ value: UInt8, uppercase: Bool = false) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: uppercase ? "A" : "a") + value - 10
  }

  /// The value of an ASCII digit of either case; nil if `digit` is another character.
  @inlinable
  public static func value(ofDigit digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
