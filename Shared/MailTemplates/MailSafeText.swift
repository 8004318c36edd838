import Models

extension String {
  /// A name that is safe to show in a mail: on one line, truncated to fit subjects and lists, and never a link.
  ///
  /// Names come from identity providers, and mail programs turn `http://evil.example` and even `evil.example` into links. An invisible word
  /// joiner (U+2060) after each character that makes text a link prevents that.
  package var mailSafeName: String { withoutControlCharacters.truncated(to: 64, bytes: 512).withoutLinks }

  /// Text that is safe to show in a mail: on one line, of at most 500 characters, and never a link; see ``mailSafeName``.
  package var mailSafeText: String { withoutControlCharacters.truncated(to: 500, bytes: 2048).withoutLinks }

  /// An address that is safe to show in a mail. Text that is not a plain address is treated like a name.
  package var mailSafeAddress: String {
    let text = withoutControlCharacters
    return MailAddress(address: text) != nil && !text.contains("/") ? text : text.mailSafeName
  }

  /// The text with a word joiner after each dot, colon and at sign within a word. The dots include all that IDNA accepts in host names
  /// (RFC 3490 §3.1).
  private var withoutLinks: String {
    guard unicodeScalars.contains(where: Self.breaking.contains) else { return self }
    var result = String.UnicodeScalarView()
    var previous: Unicode.Scalar?
    for scalar in unicodeScalars {
      if let previous, Self.breaking.contains(previous), scalar != " " { result.append("\u{2060}") }
      result.append(scalar)
      previous = scalar
    }
    return String(result)
  }

  private static let breaking: Set<Unicode.Scalar> = [".", "\u{3002}", "\u{FF0E}", "\u{FF61}", ":", "@", "\u{FF1A}", "\u{FF20}"]
}
