import Foundation
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

/// A token's uses of one day are told apart by address.
struct TokenDay: Hashable, Sendable, Comparable {
  var token: ResourceKey
  /// In UTC: `2026-01-31`.
  var day: String

  init(token: ResourceKey, at time: Date) {
    self.token = token
    day = String(Timestamp.text(time).prefix(10))
  }

  init(token: ResourceKey, day: String) {
    self.token = token
    self.day = day
  }

  static func < (left: Self, right: Self) -> Bool {
    (left.token, left.day) < (right.token, right.day)
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
