/// Finds out whether text that a client sent may hold a secret: a filter or a path that names a secret attribute, whether or not it can be
/// parsed.
public enum SecretText {
  private static let words = [
    "password", "passwd", "pwd", "secret", "token", "apikey", "api_key", "privatekey", "private_key", "authorization", "credential",
  ]

  /// `text`, or where it names something secret the attribute path that it begins with: what comes behind that may be the secret.
  public static func shown(_ text: String) -> String {
    guard isMentioned(in: text) else { return text }
    let path = text.utf8.prefix { AttributeName.isNameByte($0) || ":.$".utf8.contains($0) }
    return path.count == text.utf8.count ? text : String(decoding: path, as: UTF8.self) + "…"
  }

  /// Whether `text` names something secret anywhere, without regard to case.
  public static func isMentioned(in text: some StringProtocol) -> Bool {
    let folded = AttributeName.folded(String(text))
    return words.contains { folded.contains($0) }
  }
}

extension SCIMError {
  /// A filter or a path that cannot be read. Text that names something secret is not repeated: it may hold the secret.
  ///
  /// - Parameter noun: what the text is, as a noun.
  static func unreadable(_ scimType: SCIMErrorType, _ noun: String, _ text: String, _ error: FilterSyntaxError) -> SCIMError {
    let place = "The \(noun) can't be read at position \(error.offset + 1)"
    guard !SecretText.isMentioned(in: text) else {
      return .badRequest(scimType, "\(place). It names a secret attribute, so it is not repeated here.")
    }
    return .badRequest(scimType, "\(place): \(error.reason). The \(noun) is: \(text.head(300))")
  }
}
