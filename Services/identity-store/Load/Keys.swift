import Models

/// A resource of a workspace: what rows are found by.
struct ResourceKey: Hashable, Sendable, Comparable {
  var workspace: WorkspaceID
  var id: ResourceID

  /// The one order in which rows are locked.
  static func < (left: Self, right: Self) -> Bool {
    (left.workspace, left.id) < (right.workspace, right.id)
  }
}

/// A name within a workspace, in the form it is compared by.
struct NameKey: Hashable, Sendable, Comparable {
  var workspace: WorkspaceID
  var name: String

  static func < (left: Self, right: Self) -> Bool {
    (left.workspace, left.name) < (right.workspace, right.name)
  }
}

/// A user's place in a group.
struct MembershipKey: Hashable, Sendable, Comparable {
  var group: ResourceKey
  var user: UserID

  static func < (left: Self, right: Self) -> Bool {
    (left.group, left.user) < (right.group, right.user)
  }
}

/// A part of a group's members.
struct MemberRangeKey: Hashable, Sendable {
  var group: ResourceKey
  var range: MemberRange
}
