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
    let body = try EventBody(body, with: "'event' and 'messageId'")
    guard let name = try body.text("event") else {
      throw APIError(400, .invalidValue, "The body lacks 'event': \(Self.events).")
    }
    guard let event = Kind(rawValue: name) else {
      throw APIError(400, .invalidValue, "event must be one of \(Self.events), found '\(name.prefix(100))'.")
    }
    let invitation = try Self.invitation(in: body)
    let email = try body.address("email")
    guard invitation != nil || email != nil else {
      throw APIError(
        400, .invalidValue, "The body names no mail. Send 'messageId' with its Message-ID, 'invitation' with its id, or 'email'.")
    }
    self.init(
      workspace: workspace, invitation: invitation, email: email, event: event,
      reason: try body.text("reason").map { $0.truncated(to: 500, bytes: 2000) }, occurredAt: try body.time("occurredAt", at: now))
  }

  private static var events: String { Kind.allCases.map(\.rawValue).joined(separator: ", ") }

  private static func invitation(in body: EventBody) throws(APIError) -> InvitationID? {
    if let text = try body.text("invitation") {
      guard let id = InvitationID(text) else {
        throw APIError(400, .invalidValue, "invitation must be the id of an invitation, found '\(text.prefix(100))'.")
      }
      return id
    }
    guard let text = try body.text("messageId") else { return nil }
    // The Message-ID is `<id@host>`, or `<id.2@host>` for a reminder. Mail systems report it with and without the brackets.
    let name = text.drop { $0 == "<" || $0.isWhitespace }.prefix { $0 != "@" && $0 != "." }
    guard let id = InvitationID(name) else {
      throw APIError(400, .invalidValue, "messageId must be the Message-ID of an invitation, found '\(text.prefix(100))'.")
    }
    return id
  }
}
