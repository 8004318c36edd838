/// A host name in lower case: labels of ASCII letters, digits and inner dashes (RFC 1123 §2.1).
///
/// Internationalised names are in their ASCII form, `xn--…` (RFC 5890).
public struct HostName: Sendable, Hashable {
  /// The name in lower case, without the final dot.
  public let text: String

  /// Parses a host name in any case, with or without the final dot.
  ///
  /// - Returns: `nil` if the name is malformed, has fewer than two labels, or is an IP address.
  public init?(_ text: some StringProtocol) {
    var name = text.lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    guard name.utf8.count <= 253 else { return nil }
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard labels.count >= 2, labels.allSatisfy(Self.isLabel), let last = labels.last, !last.allSatisfy(Self.isDigit) else { return nil }
    self.text = name
  }

  private static func isLabel(_ label: Substring.UTF8View) -> Bool {
    let dash = UInt8(ascii: "-")
    return (1...63).contains(label.count) && label.first != dash && label.last != dash
      && label.allSatisfy { isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || $0 == dash }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// Validation of language tags (BCP 47).
public enum LanguageTag {
  /// Whether `text` is a well-formed tag (RFC 5646 §2.1): a language and optional subtags.
  public static func isValid(_ text: String) -> Bool {
    let subtags = text.split(separator: "-", omittingEmptySubsequences: false)
    guard let first = subtags.first, (2...8).contains(first.count), first.allSatisfy({ $0.isASCII && $0.isLetter }) else { return false }
    return subtags.allSatisfy { (1...8).contains($0.count) && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) } }
  }
}
