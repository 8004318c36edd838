import Foundation

/// What was taken away from a person who was disabled or deleted, and when. Ids and names of groups; nothing about the person but the id.
public struct DeprovisionReceipt: Sendable, Hashable, Codable {
  /// The same for the same change, however often it is decided; ids sort by ``revokedAt``.
  public var id: ReceiptID
  public var workspace: WorkspaceID
  public var member: UserID
  /// The member's version that ended the access.
  public var memberVersion: Int64
  public var reason: DirectoryEvent.RevocationReason
  /// When identity-store carried the change out.
  public var revokedAt: Date
  /// Whether the person was invited and had not signed in, so that an invitation was revoked.
  public var invitationRevoked: Bool
  /// The groups that the person was in, by id. Somebody disabled returns to them when enabled; they are gone for somebody deleted.
  public var groups: [LostGroup]
  /// What the product was told because of it, in order.
  public var events: [SentEvent]

  public init(
    id: ReceiptID, workspace: WorkspaceID, member: UserID, memberVersion: Int64, reason: DirectoryEvent.RevocationReason, revokedAt: Date,
    invitationRevoked: Bool, groups: [LostGroup], events: [SentEvent]
  ) {
    self.id = id
    self.workspace = workspace
    self.member = member
    self.memberVersion = memberVersion
    self.reason = reason
    self.revokedAt = revokedAt
    self.invitationRevoked = invitationRevoked
    self.groups = groups
    self.events = events
  }

  public struct LostGroup: Sendable, Hashable, Codable {
    public var id: GroupID
    /// nil where the group's own event had not come yet.
    public var displayName: String?
    /// Whether the product showed the person in it.
    public var wasVisible: Bool

    public init(id: GroupID, displayName: String?, wasVisible: Bool) {
      self.id = id
      self.displayName = displayName
      self.wasVisible = wasVisible
    }
  }

  /// An event on `directory.events`.
  public struct SentEvent: Sendable, Hashable, Codable {
    /// The CloudEvents id.
    public var id: String
    public var change: DirectoryEvent.Change
    public var group: GroupID?

    public init(id: String, change: DirectoryEvent.Change, group: GroupID?) {
      self.id = id
      self.change = change
      self.group = group
    }
  }
}
