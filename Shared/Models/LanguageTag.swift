/// A language as BCP 47 names it.
public enum LanguageTag {
  /// Whether `text` has the form of a tag (RFC 5646 §2.1): a language, and what narrows it.
  public static func isOne(_ text: String) -> Bool {
    let subtags = text.split(separator: "-", omittingEmptySubsequences: false)
    guard let first = subtags.first, (2...8).contains(first.count), first.allSatisfy({ $0.isASCII && $0.isLetter }) else { return false }
    return subtags.allSatisfy { (1...8).contains($0.count) && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }
  }
}
