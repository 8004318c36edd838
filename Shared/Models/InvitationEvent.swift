import Foundation

/// The state of an invitation.
public enum InvitationState: String, Sendable, Hashable, Codable, CaseIterable {
  /// Waits to be sent, at once or at a set time.
  case scheduled
  /// Is being handed to the mail server.
  case sending
  /// Accepted by the mail server.
  case sent
  /// Reported as delivered by the mail system.
  case delivered
  /// Refused by the mail server, or bounced later. The person can still sign in.
  case bounced
  /// The person signed in.
  case accepted
  /// Withdrawn: the person was disabled or deleted, has another address, or an operator revoked it.
  case revoked
  /// Nobody signed in before it expired.
  case expired
  /// Could not be sent, and is not retried.
  case failed
}

/// A change of an invitation's state, published on `invitation.events`, keyed by the invitation.
public struct InvitationEvent: Sendable, Hashable, Codable {
  /// The workspace of the user.
  public var workspace: WorkspaceID
  /// The invitation.
  public var invitation: InvitationID
  /// The invited user.
  public var user: UserID
  /// The new state.
  public var state: InvitationState
  /// The reason, or the response of the mail server.
  public var reason: String
  /// When the state changed.
  public var changedAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates an invitation event.
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

  /// Reads the event from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    self = try JSONData.decode(from: event.data, type: event.type)
    guard event.type == type else { throw .unknownType(event.type) }
  }
}
