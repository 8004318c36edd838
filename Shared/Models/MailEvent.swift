import Foundation
import Primitives

/// What the mail system reports of a mail after it took it, on `mail.events`.
public struct MailEvent: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  /// The invitation; nil where the report names the address alone.
  public var invitation: InvitationID?
  /// The address; at least one of the two is there.
  public var email: String?
  public var event: Kind
  /// The mail system's words.
  public var reason: String?
  public var occurredAt: Date

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

  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// In the mailbox.
    case delivered
    /// Came back.
    case bounced
  }

  /// The CloudEvents type.
  public static let eventType = "rollcall.mail.v1"

  /// The key of its message.
  public var key: String { invitation?.description ?? email.map { ComparisonKey($0).text } ?? "" }

  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: Self.eventType, subject: key, time: time, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try JSONData.encode(self))
  }

  /// - Throws: ``MessageError`` where the message is none, or names no mail.
  public init(_ event: CloudEvent) throws(MessageError) {
    guard event.type == Self.eventType else { throw .unknownType(event.type) }
    self = try JSONData.decode(from: event.data, type: event.type)
    guard !key.isEmpty else { throw .undecodable(type: event.type, reason: "neither 'invitation' nor 'email' is given") }
  }
}
