// The standard library's NFC is not public, and Foundation's does not compose every Hangul syllable.
@_spi(_Unicode) import Swift

/// Case folding and Unicode normalisation of text, for the operators `sw`, `co` and `ew`, for sorting, and for ``ComparisonKey``.
///
/// Normalises to NFC, lower-cases each character with Unicode's simple case mapping (ß and ss stay different), and normalises to NFC again.
/// Characters newer than ``unicodeVersion`` are not folded, so that every toolchain and every PostgreSQL version gives the same result.
/// `identity_read.folded` is the same function in SQL.
public enum FoldedText {
  /// The Unicode version whose characters are folded: that of PostgreSQL 15, the oldest supported version.
  public static let unicodeVersion = (major: 14, minor: 0)

  /// Folds `text` without trimming it.
  public static func folded(_ text: String) -> String { folded(text, isTrimmed: false) }

  static func folded(_ text: String, isTrimmed: Bool) -> String {
    asciiFolded(text, isTrimmed: isTrimmed) ?? unicodeFolded(text, isTrimmed: isTrimmed)
  }

  /// The fast path for ASCII; nil if `text` has other characters.
  private static func asciiFolded(_ text: String, isTrimmed: Bool) -> String? {
    var copy = text
    return copy.withUTF8 { bytes in
      var isFolded = true
      for byte in bytes {
        if byte >= 0x80 { return nil }
        if UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte { isFolded = false }
      }
      var (start, end) = (0, bytes.count)
      if isTrimmed {
        while start < end, isBlank(bytes[start]) { start += 1 }
        while start < end, isBlank(bytes[end - 1]) { end -= 1 }
      }
      if isFolded, end - start == bytes.count { return text }
      return String(unsafeUninitializedCapacity: end - start) { target in
        for place in start..<end {
          let byte = bytes[place]
          target[place - start] = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
        }
        return end - start
      }
    }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || 0x09...0x0D ~= byte }

  private static func unicodeFolded(_ text: String, isTrimmed: Bool) -> String {
    var scalars = text.unicodeScalars[...]
    if isTrimmed {
      while let first = scalars.first, ComparisonKey.isTrimmed(first) { scalars.removeFirst() }
      while let last = scalars.last, ComparisonKey.isTrimmed(last) { scalars.removeLast() }
    }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + 8)
    var rest = scalars
    while !rest.isEmpty {
      let known = rest.prefix(while: isKnown)
      rest = rest[known.endIndex...]
      var lower: [UInt8] = []
      lower.reserveCapacity(text.utf8.count + 8)
      for scalar in String(known)._nfc { append(lowerCase: scalar, to: &lower) }
      for scalar in String(decoding: lower, as: UTF8.self)._nfc { append(scalar, to: &result) }
      if let unknown = rest.popFirst() { append(unknown, to: &result) }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Whether a character exists in ``unicodeVersion``.
  static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return true }
    guard let age = scalar.properties.age else { return false }
    return (age.major, age.minor) <= unicodeVersion
  }

  /// Unicode's simple case mapping. The standard library has the full mapping, which differs only for İ (U+0130).
  private static func append(lowerCase scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
    if scalar.isASCII {
      bytes.append("A"..."Z" ~= scalar ? UInt8(scalar.value) | 0x20 : UInt8(scalar.value))
    } else if scalar == "\u{130}" {
      bytes.append(UInt8(ascii: "i"))
    } else if scalar.properties.isLowercase || !scalar.properties.changesWhenLowercased {
      append(scalar, to: &bytes)
    } else {
      bytes.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
    }
  }

  private static func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
    if scalar.isASCII {
      bytes.append(UInt8(scalar.value))
    } else if let encoded = UTF8.encode(scalar) {
      bytes.append(contentsOf: encoded)
    }
  }
}
