import Primitives

/// Detects client text that may contain a secret: a filter or path that names a secret attribute, even if it cannot be parsed.
public enum SecretText {
  private static let words = [
    "password", "passwd", "pwd", "secret", "token", "apikey", "api_key", "privatekey", "private_key", "authorization", "credential",
  ]

  /// Returns `text`, or only its leading attribute path if the text names a secret attribute: the rest may be the secret.
  public static func shown(_ text: String) -> String {
    guard isMentioned(in: text) else { return text }
    let path = text.utf8.prefix { AttributeName.isNameByte($0) || ":.$".utf8.contains($0) }
    return path.count == text.utf8.count ? text : String(decoding: path, as: UTF8.self) + "…"
  }

  /// Whether `text` contains the name of a secret attribute, compared without case.
  public static func isMentioned(in text: some StringProtocol) -> Bool {
    ASCIISearch.containsAny(of: words, in: text)
  }
}

extension SCIMError {
  /// The error of a filter or path that cannot be parsed. Text that may contain a secret is not quoted.
  ///
  /// - Parameter noun: `filter` or `path`.
  static func unreadable(_ scimType: SCIMErrorType, _ noun: String, _ text: String, _ error: FilterSyntaxError) -> SCIMError {
    let place = "The \(noun) can't be read at position \(error.offset + 1)"
    guard !SecretText.isMentioned(in: text) else {
      return .badRequest(scimType, "\(place). It names a secret attribute, so it is not repeated here.")
    }
    return .badRequest(scimType, "\(place): \(error.reason). The \(noun) is: \(text.head(300))")
  }
}
