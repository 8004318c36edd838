/// The form in which user names, addresses, group names and roles are compared.
///
/// Two texts are equal where their keys are: whitespace and zero-width characters at both ends, case, and the difference between composed and
/// decomposed characters do not count. The value itself is stored and returned as sent; the key is stored beside it, computed by this type
/// alone.
public struct ComparisonKey: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The version of the computation, stored with what was computed. identity-store computes all keys again when it changes.
  ///
  /// Increase it when the test of the character tables fails, and for every other change of what a key is.
  public static let version = 1

  /// The key, in NFC.
  public let text: String

  /// Trims `text`, and folds it; see ``FoldedText``.
  public init(_ text: String) {
    self.text = FoldedText.folded(text, isTrimmed: true)
  }

  public var isEmpty: Bool { text.isEmpty }
  public var description: String { text }

  // By the bytes, as the database compares: strings are equal also where characters are that are not folded yet.

  public static func == (left: Self, right: Self) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }
  public static func < (left: Self, right: Self) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

  public func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// What texts were compared by before there was this key, where that is not the same; nil where it is, as for nearly every text.
  ///
  /// Rows that have not been re-keyed, and hashes that cannot be, are looked up by it.
  public static func former(of text: String) -> String? {
    if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return nil }
    let former = text.lowercased()
    return former.utf8.elementsEqual(ComparisonKey(text).text.utf8) ? nil : former
  }

  /// Whether a character does not count at the ends of a text: whitespace (Unicode's White_Space), and what has no width. The latter are the
  /// zero-width space, joiner and non-joiner, the marks of writing direction, the word joiner, the byte-order mark, and the Mongolian vowel
  /// separator, which was whitespace up to Unicode 6.2.
  static func isTrimmed(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x180E, 0x2000...0x200F, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000, 0xFEFF: true
    default: false
    }
  }
}
