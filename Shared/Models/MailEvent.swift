import Foundation
import Primitives

/// A delivery report of the mail system, published on `mail.events`.
public struct MailEvent: Sendable, Hashable, Codable {
  /// The workspace that the mail belongs to.
  public var workspace: WorkspaceID
  /// The invitation; `nil` if the report has the address only.
  public var invitation: InvitationID?
  /// The address; at least one of `invitation` and `email` is set.
  public var email: String?
  /// What was reported.
  public var event: Kind
  /// The text of the mail system.
  public var reason: String?
  /// When the mail system observed it.
  public var occurredAt: Date

  /// Creates a mail event.
  public init(
    workspace: WorkspaceID, invitation: InvitationID?, email: String?, event: Kind, reason: String? = nil, occurredAt: Date
  ) {
    self.workspace = workspace
    self.invitation = invitation
    self.email = email
    self.event = event
    self.reason = reason
    self.occurredAt = occurredAt
  }

  /// A report of the mail system.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// The mail is in the mailbox.
    case delivered
    /// The mail bounced.
    case bounced
  }

  /// The CloudEvents type.
  public static let eventType = "rollcall.mail.v1"

  /// Identifies what the report is about, and is the subject of the message: the invitation, or else the comparison key of the address.
  public var key: String { invitation?.description ?? email.map { ComparisonKey($0).text } ?? "" }

  /// The message of this event.
  ///
  /// - Parameters:
  ///   - id: The CloudEvents id.
  ///   - source: The process that produces it, such as `scim-api/0`.
  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: Self.eventType, subject: key, time: time, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try JSONData.encode(self))
  }

  /// Reads the event from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type, malformed, or names neither invitation nor address.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unreadable(event.type, known: [Self.eventType]) }
    self = try JSONData.decode(from: event.data, type: event.type)
    guard !key.isEmpty else { throw .undecodable(type: event.type, reason: "neither 'invitation' nor 'email' is given") }
  }
}
