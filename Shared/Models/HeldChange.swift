import Foundation

/// What is held of a change that waits for approval; the rest of it was carried out.
public enum HeldChangeKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// Members leave a group.
  case membersRemoved = "members-removed"
  /// A group is deleted, and all its members leave.
  case groupDeleted = "group-deleted"
  /// A user is disabled.
  case userDisabled = "user-disabled"
  /// A user is deleted.
  case userDeleted = "user-deleted"

  /// Whether it is of a group, and otherwise of a user.
  public var isOfGroup: Bool { self == .membersRemoved || self == .groupDeleted }
}

/// What becomes of a held change.
public struct HeldChangeDecision: Sendable, Hashable, Codable {
  public var change: HeldChangeID
  public var verdict: Verdict

  public init(change: HeldChangeID, verdict: Verdict) {
    self.change = change
    self.verdict = verdict
  }

  public enum Verdict: String, Sendable, Hashable, Codable, CaseIterable {
    /// It is carried out now.
    case approve
    /// It is not carried out, and neither is the same change when it comes again.
    case reject
  }
}

/// A change waits for approval, on `identity.events`: an admin is to be told.
public struct ChangeHeld: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var change: HeldChangeID
  public var kind: HeldChangeKind
  /// The user or group.
  public var resource: ResourceID
  /// The group's displayName or the user's userName.
  public var name: String
  /// How many members would leave; all of them where the group is deleted, 1 for a user.
  public var leaving: Int
  /// How many members the group has; nil for a user.
  public var members: Int?
  public var heldAt: Date
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

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
