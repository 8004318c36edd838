import Foundation

/// A record of the access that a person lost when disabled or deleted. The only personal data is the id.
public struct DeprovisionReceipt: Sendable, Hashable, Codable {
  /// Deterministic: the same change has the same id, however often it is processed. Ids sort by ``revokedAt``.
  public var id: ReceiptID
  /// The workspace of the user.
  public var workspace: WorkspaceID
  /// The user who lost access.
  public var member: UserID
  /// The version of the user with which the access ended.
  public var memberVersion: Int64
  /// Whether the user was disabled or deleted.
  public var reason: DirectoryEvent.RevocationReason
  /// When identity-store made the change.
  public var revokedAt: Date
  /// Whether an open invitation was revoked, because the person had not signed in.
  public var invitationRevoked: Bool
  /// The groups of the person, by id. A disabled person is shown in them again when enabled; for a deleted one the memberships are gone.
  public var groups: [LostGroup]
  /// The events that were published for the product, in order.
  public var events: [SentEvent]

  /// Creates a receipt.
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

  /// A group that the user was in.
  public struct LostGroup: Sendable, Hashable, Codable {
    /// The id of the group.
    public var id: GroupID
    /// The display name; `nil` if the event of the group had not arrived yet.
    public var displayName: String?
    /// Whether the person was a visible member of the group.
    public var wasVisible: Bool

    /// Creates a lost group.
    public init(id: GroupID, displayName: String?, wasVisible: Bool) {
      self.id = id
      self.displayName = displayName
      self.wasVisible = wasVisible
    }
  }

  /// An event that was published on `directory.events`.
  public struct SentEvent: Sendable, Hashable, Codable {
    /// The CloudEvents id of the event.
    public var id: String
    /// The type of the event.
    public var change: DirectoryEvent.Kind
    /// The group of the event; `nil` if the event is about the user alone.
    public var group: GroupID?

    /// Creates a sent event.
    public init(id: String, change: DirectoryEvent.Kind, group: GroupID?) {
      self.id = id
      self.change = change
      self.group = group
    }
  }
}

extension DeprovisionReceipt.SentEvent {
  /// Decodes the JSON form. Receipts of earlier versions have other names for the types.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .change)
    guard let change = DirectoryEvent.Kind(rawValue: name) ?? Self.formerNames[name] else {
      throw DecodingError.dataCorruptedError(forKey: .change, in: container, debugDescription: "'\(name)' is no type of an event")
    }
    self.init(
      id: try container.decode(String.self, forKey: .id), change: change,
      group: try container.decodeIfPresent(GroupID.self, forKey: .group))
  }

  /// The types of the events of the first version, by name. Receipts are never rewritten.
  private static let formerNames: [String: DirectoryEvent.Kind] = [
    "member-disabled": .memberDisabled, "member-deleted": .memberDeleted, "membership-removed": .groupMemberRemoved,
  ]
}
