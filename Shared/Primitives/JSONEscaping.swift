/// Writes text as JSON string literals (RFC 8259 §7).
public enum JSONEscaping {
  /// Appends `text` as a string literal, quotes included.
  ///
  /// Only what RFC 8259 requires is escaped: quotes, backslashes and the control characters below U+0020.
  public static func append(_ text: String, to bytes: inout [UInt8]) {
    append(text.utf8, to: &bytes)
  }

  /// Appends UTF-8 text as a string literal, quotes included.
  public static func append(_ utf8: some Collection<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    if utf8.withContiguousStorageIfAvailable({ appendEscaped($0, to: &bytes) }) == nil {
      for byte in utf8 {
        if needsEscape(byte) { append(escaped: byte, to: &bytes) } else { bytes.append(byte) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends `text` as a string literal that is safe to print in a terminal, quotes included.
  ///
  /// In addition to what RFC 8259 requires, DEL, the C1 control characters, JavaScript's line separators and the characters that change the
  /// direction of text are escaped, so the literal stays on one line and cannot imitate other output.
  public static func appendPrintable(_ text: String, to bytes: inout [UInt8]) {
    if text.utf8.allSatisfy({ $0 < 0x7F }) { return append(text, to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069:
        bytes.append(contentsOf: "\\u".utf8)
        for shift: UInt32 in [12, 8, 4, 0] { bytes.append(Hex.digit(UInt8(scalar.value >> shift & 0xF))) }
      case 0..<0x80:
        let byte = UInt8(scalar.value)
        if needsEscape(byte) { append(escaped: byte, to: &bytes) } else { bytes.append(byte) }
      default: bytes.append(contentsOf: String(scalar).utf8)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Whether `byte` must be escaped within a string literal.
  @inlinable
  public static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  /// Copies the text between escapes in one piece each.
  private static func appendEscaped(_ utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
    var start = 0
    for (index, byte) in utf8.enumerated() where needsEscape(byte) {
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
      append(escaped: byte, to: &bytes)
      start = index + 1
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...]))
  }

  private static func append(escaped byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case 0..<0x20:
      bytes.append(contentsOf: "u00".utf8)
      bytes.append(Hex.digit(byte >> 4))
      bytes.append(Hex.digit(byte & 0xF))
    default: bytes.append(byte)
    }
  }
}
