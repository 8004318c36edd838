import Foundation

/// The part of a change that waits for approval. The rest of the change is applied.
public enum HeldChangeKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// Members leave a group.
  case membersRemoved = "members-removed"
  /// A group is deleted, and all its members leave.
  case groupDeleted = "group-deleted"
  /// A user is disabled.
  case userDisabled = "user-disabled"
  /// A user is deleted.
  case userDeleted = "user-deleted"
  /// A user whose address is in none of the verified domains is enabled.
  case otherDomain = "other-domain"
  /// A user gets an address in none of the verified domains.
  case addressChanged = "address-changed"
  /// A user is enabled who may be the owner of an imported account.
  case accountMatched = "account-matched"
  /// A user is enabled, or created, beyond the seat limit (``SeatLimit``). Until then the user is stored as disabled.
  case userEnabled = "user-enabled"
  /// The last active admin gets another role.
  case roleChanged = "role-changed"

  /// Whether the change is about a group, and not a user.
  public var isOfGroup: Bool { self == .membersRemoved || self == .groupDeleted }

  /// Whether the change is about an attribute of an enabled user.
  public var isOfAttribute: Bool { self == .addressChanged || self == .roleChanged }

  /// Whether the change takes the access of a user away.
  public var disablesUser: Bool { self == .userDisabled || self == .userDeleted }
}

/// An admin's decision about a held change.
public struct HeldChangeDecision: Sendable, Hashable, Codable {
  /// The held change.
  public var change: HeldChangeID
  /// The decision.
  public var verdict: Verdict

  /// Creates a decision.
  public init(change: HeldChangeID, verdict: Verdict) {
    self.change = change
    self.verdict = verdict
  }

  /// Approval or rejection.
  public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
    /// The change is applied now.
    case approve
    /// The change is not applied, nor is the same change if it is sent again.
    case reject
  }
}

/// A change waits for approval. Published on `identity.events`, so that an admin is notified.
public struct ChangeHeld: Sendable, Hashable, Codable {
  /// The workspace whose change guard holds the change.
  public var workspace: WorkspaceID
  /// The id of the held change.
  public var change: HeldChangeID
  /// What is held.
  public var kind: HeldChangeKind
  /// The user or group.
  public var resource: ResourceID
  /// The `displayName` of the group or the `userName` of the user.
  public var name: String
  /// How many members would leave: all of them if the group is deleted, 1 for a user.
  public var leaving: Int
  /// How many members the group has; `nil` for a user.
  public var members: Int?
  /// When the change was held.
  public var heldAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates the event.
  public init(
    workspace: WorkspaceID, change: HeldChangeID, kind: HeldChangeKind, resource: ResourceID, name: String, leaving: Int, members: Int?,
    heldAt: Date
  ) {
    self.workspace = workspace
    self.change = change
    self.kind = kind
    self.resource = resource
    self.name = name
    self.leaving = leaving
    self.members = members
    self.heldAt = heldAt
  }
}
