import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

extension MailEvent {
  /// Parses the body of a request: `event`, the mail (`messageId`, `invitation` or `email`), and optionally `reason` and `occurredAt`.
  ///
  /// - Throws: 400 that names the member, the expected value and the actual value.
  init(_ body: JSON, in workspace: WorkspaceID, at now: Date) throws(APIError) {
    guard let object = body.object else {
      throw APIError(400, .invalidSyntax, "The body must be a JSON object with 'event' and 'messageId', found \(body.summary).")
    }
    guard let name = try Self.text("event", in: object) else {
      throw APIError(400, .invalidValue, "The body lacks 'event': \(Self.events).")
    }
    guard let event = Kind(rawValue: name) else {
      throw APIError(400, .invalidValue, "event must be one of \(Self.events), found '\(name.prefix(100))'.")
    }
    let invitation = try Self.invitation(in: object)
    let email = try Self.text("email", in: object)
    if let email { try APIError.checkAddress(email, "email") }
    guard invitation != nil || email != nil else {
      throw APIError(
        400, .invalidValue, "The body names no mail. Send 'messageId' with its Message-ID, 'invitation' with its id, or 'email'.")
    }
    self.init(
      workspace: workspace, invitation: invitation, email: email, event: event,
      reason: try Self.text("reason", in: object).map { $0.truncated(to: 500, bytes: 2000) }, occurredAt: try Self.time(in: object, at: now)
    )
  }

  private static var events: String { Kind.allCases.map(\.rawValue).joined(separator: ", ") }

  private static func invitation(in object: JSONObject) throws(APIError) -> InvitationID? {
    if let text = try text("invitation", in: object) {
      guard let id = InvitationID(text) else {
        throw APIError(400, .invalidValue, "invitation must be the id of an invitation, found '\(text.prefix(100))'.")
      }
      return id
    }
    guard let text = try text("messageId", in: object) else { return nil }
    // The Message-ID is `<id@host>`, or `<id.2@host>` for a reminder. Mail systems report it with and without the brackets.
    let name = text.drop { $0 == "<" || $0.isWhitespace }.prefix { $0 != "@" && $0 != "." }
    guard let id = InvitationID(name) else {
      throw APIError(400, .invalidValue, "messageId must be the Message-ID of an invitation, found '\(text.prefix(100))'.")
    }
    return id
  }

  private static func time(in object: JSONObject, at now: Date) throws(APIError) -> Date {
    guard let text = try text("occurredAt", in: object) else { return now }
    guard let time = Timestamp.date(text) else {
      throw APIError(400, .invalidValue, "occurredAt must be a time such as \"2026-01-31T08:00:00Z\", found '\(text.prefix(100))'.")
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
