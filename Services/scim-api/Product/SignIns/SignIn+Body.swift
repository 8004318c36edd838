import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

extension APIError {
  /// Checks that a member of a request body is a mail address without line breaks.
  ///
  /// - Throws: 400 if `text`, the value of `name`, is not.
  static func checkAddress(_ text: String, _ name: String) throws(APIError) {
    guard text.contains("@"), ResourceBounds.isName(text) else {
      throw APIError(
        400, .invalidValue,
        "\(name) must be an address of at most \(ResourceBounds.name) bytes, found '\(text.truncated(to: 100))' of \(text.utf8.count) bytes."
      )
    }
    guard !text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else {
      throw APIError(400, .invalidValue, "\(name) contains a line break. Send the address alone.")
    }
  }
}

extension SignIn {
  /// How far in the future a sign-in may be, in seconds, to tolerate clock differences.
  private static let clockTolerance: TimeInterval = 300

  /// Parses the body of a request: `email` or `user`, and optionally `signedInAt` and `method`.
  ///
  /// - Throws: 400 that names the member, the expected value and the actual value.
  init(_ body: JSON, in workspace: WorkspaceID, at now: Date) throws(APIError) {
    guard let object = body.object else {
      throw APIError(400, .invalidSyntax, "The body must be a JSON object with 'email' or 'user', found \(body.summary).")
    }
    let email = try Self.text("email", in: object)
    if let email { try APIError.checkAddress(email, "email") }
    var user: UserID?
    if let text = try Self.text("user", in: object) {
      guard let id = UserID(text) else { throw APIError(400, .invalidValue, "user must be the id of a user, found '\(text.prefix(100))'.") }
      user = id
    }
    guard email != nil || user != nil else {
      throw APIError(400, .invalidValue, "The body names nobody. Send 'email' with the person's address, or 'user' with their id.")
    }
    self.init(
      workspace: workspace, email: email, user: user, signedInAt: try Self.time(in: object, at: now),
      method: try Self.text("method", in: object).map { $0.truncated(to: 100) })
  }

  private static func time(in object: JSONObject, at now: Date) throws(APIError) -> Date {
    guard let text = try text("signedInAt", in: object) else { return now }
    guard let time = Timestamp.date(text) else {
      throw APIError(400, .invalidValue, "signedInAt must be a time such as \"2026-01-31T08:00:00Z\", found '\(text.prefix(100))'.")
    }
    guard time <= now + clockTolerance else {
      throw APIError(400, .invalidValue, "signedInAt, \(text.prefix(100)), lies in the future. Check the clock of the sign-in service.")
    }
    return min(time, now)
  }

  /// The string member `name`; nil if it is absent, null or empty.
  private static func text(_ name: String, in object: JSONObject) throws(APIError) -> String? {
    switch object[name] {
    case nil, .null?: return nil
    case .string(let text)?: return text.isEmpty ? nil : text
    case let other?: throw APIError(400, .invalidValue, "\(name) must be a string, found \(other.summary).")
    }
  }
}
