import Foundation

/// How far an invitation has come.
public enum InvitationState: String, Sendable, Hashable, Codable, CaseIterable {
  /// To be sent, at once or at its time.
  case scheduled
  /// Being handed to the mail server.
  case sending
  /// The mail server has taken it.
  case sent
  /// The mail system reported that it is in the mailbox.
  case delivered
  /// The mail server refused the address, or the mail came back. The person can sign in all the same.
  case bounced
  /// The person signed in.
  case accepted
  /// Not to be acted on any more: the person was disabled or deleted, has another address, or an operator said so.
  case revoked
  /// Nobody signed in for as long as it was good.
  case expired
  /// It could not be sent, and is not tried again.
  case failed
}

/// That an invitation changed its state, on `invitation.events`; keyed by the invitation.
public struct InvitationEvent: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var invitation: InvitationID
  public var user: UserID
  public var state: InvitationState
  /// Why: in our words, or the mail server's.
  public var reason: String
  public var changedAt: Date
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  public init(workspace: WorkspaceID, invitation: InvitationID, user: UserID, state: InvitationState, reason: String, changedAt: Date) {
    self.workspace = workspace
    self.invitation = invitation
    self.user = user
    self.state = state
    self.reason = reason
    self.changedAt = changedAt
  }

  /// The CloudEvents type.
  public var type: String { "rollcall.invitation.\(state.rawValue).v1" }

  /// - Throws: ``MessageError`` where the message is none of these.
  public init(_ event: CloudEvent) throws(MessageError) {
    self = try JSONData.decode(from: event.data, type: event.type)
    guard event.type == type else { throw .unknownType(event.type) }
  }
}
