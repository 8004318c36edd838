import Models

extension String {
  /// A name as mails show it: on one line, cut to a length that subjects and lists have room for, and never a link.
  ///
  /// Names come from identity providers, and mail programs turn `http://evil.example` and even `evil.example` into links. A word joiner
  /// (U+2060), which nobody sees, stands behind each character that makes a link of text.
  package var mailSafeName: String { withoutControlCharacters.truncated(to: 64, bytes: 512).withoutLinks }

  /// An address as mails show it; what is no plain address is shown as a name is.
  package var mailSafeAddress: String {
    let text = withoutControlCharacters
    return MailAddress(address: text) != nil && !text.contains("/") ? text : text.mailSafeName
  }

  /// With a word joiner behind each dot, colon and at sign that stands within a word. The dots are those that host names may have (IDNA,
  /// RFC 3490 §3.1).
  private var withoutLinks: String {
    let breaking: Set<Unicode.Scalar> = [".", "\u{3002}", "\u{FF0E}", "\u{FF61}", ":", "@", "\u{FF1A}", "\u{FF20}"]
    var result = String.UnicodeScalarView()
    var previous: Unicode.Scalar?
    for scalar in unicodeScalars {
      if let previous, breaking.contains(previous), scalar != " " { result.append("\u{2060}") }
      result.append(scalar)
      previous = scalar
    }
    return String(result)
  }
}
