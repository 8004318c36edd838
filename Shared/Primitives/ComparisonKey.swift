/// The normalised form in which user names, addresses, group names and roles are compared.
///
/// Keys ignore white space and zero-width characters at both ends, case, and the difference between composed and decomposed characters.
/// Values are stored and returned as sent. Their keys are stored next to them, and only this type computes keys.
public struct ComparisonKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The version of the algorithm, stored with the keys. identity-store recomputes all keys when it changes.
  ///
  /// Increase it when the test of the character tables fails, and whenever the algorithm changes.
  public static let version = 1

  /// The key, in NFC.
  public let text: String

  /// Computes the key of `text`: trimmed and folded; see ``FoldedText``.
  public init(_ text: String) {
    self.text = FoldedText.folded(text, isTrimmed: true)
  }

  /// Whether nothing is left of the text.
  public var isEmpty: Bool { text.isEmpty }
  /// The key.
  public var description: String { text }

  // Compares bytes, like the database. `String` comparison also treats characters as equal that this Unicode version does not fold.

  /// Whether the bytes are equal.
  public static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
  /// Orders keys by their bytes.
  public static func < (left: Self, right: Self) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// The key as it was computed before this type was introduced; nil if it is the same, as for nearly every text.
  ///
  /// Needed to find rows that have not been re-keyed, and hashes that cannot be.
  public static func former(of text: String) -> String? {
    if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return nil }
    let former = text.lowercased()
    return former.utf8.elementsEqual(ComparisonKey(text).text.utf8) ? nil : former
  }

  /// Whether a character is trimmed: white space (Unicode's White_Space) and zero-width characters. The latter are the zero-width space, joiner
  /// and non-joiner, the directional marks, the word joiner, the byte order mark, and the Mongolian vowel separator, which was white space up to
  /// Unicode 6.2.
  static func isTrimmed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x180E, 0x2000...0x200F, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF: true
    default: false
    }
  }
}
