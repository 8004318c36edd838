import Foundation

/// The new state of a group, with the members added and removed.
///
/// A change of many members is split into parts of at most ``maximumMembersPerEvent`` ids; (`version`, `part`) orders them.
public struct GroupChanged: Sendable, Hashable, Codable {
  /// The workspace of the event.
  public var workspace: WorkspaceID
  /// The id of the group.
  public var group: GroupID
  /// The `displayName` after the change; empty for a deletion.
  public var displayName: String
  /// The `externalId` of the group.
  public var externalID: String?
  /// What happened.
  public var change: Change
  /// The version of the resource after the change, counted from 1.
  public var version: Int64
  /// The number of the part within the version, counted from 0.
  public var part: Int
  /// The users who became members.
  public var addedMembers: [UserID]
  /// The users who are no longer members.
  public var removedMembers: [UserID]
  /// The range of members that a restatement covers; `nil` for any other change.
  public var range: MemberRange?
  /// When the change was made.
  public var changedAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// The most ids in one event, added and removed together.
  public static let maximumMembersPerEvent = 1000

  /// Creates the event.
  public init(
    workspace: WorkspaceID, group: GroupID, displayName: String, externalID: String?, change: Change, version: Int64, part: Int,
    addedMembers: [UserID], removedMembers: [UserID], range: MemberRange? = nil, changedAt: Date
  ) {
    self.workspace = workspace
    self.group = group
    self.displayName = displayName
    self.externalID = externalID
    self.change = change
    self.version = version
    self.part = part
    self.addedMembers = addedMembers
    self.removedMembers = removedMembers
    self.range = range
    self.changedAt = changedAt
  }

  /// What happened to the group.
  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    /// The group was created, its name or members changed, or it was deleted.
    case created, updated, deleted
    /// Published again on request, in self-contained parts: exactly the added members are in ``GroupChanged/range``. Consumers apply it
    /// even if they hold the same version.
    case restated
  }
}

/// A range of user ids: greater than `after`, up to and including `through`.
public struct MemberRange: Sendable, Hashable, Codable {
  /// The last id before the range; `nil`: it begins with the first.
  public var after: UserID?
  /// The last id of the range; `nil`: it ends with the last.
  public var through: UserID?

  /// Creates a member range.
  public init(after: UserID? = nil, through: UserID? = nil) {
    self.after = after
    self.through = through
  }

  /// Whether the id lies in the range.
  public func contains(_ user: UserID) -> Bool {
    if let after, user <= after { return false }
    if let through, user > through { return false }
    return true
  }
}
