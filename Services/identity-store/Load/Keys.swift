import Foundation
import Models
import Primitives

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

  init(workspace: WorkspaceID, name: String) {
    self.workspace = workspace
    self.name = name
  }

  /// The comparison key of `text`.
  init(workspace: WorkspaceID, comparing text: String) {
    self.init(workspace: workspace, name: ComparisonKey(text).text)
  }

  /// The comparison key of `text`, and what it was compared by before, where that differs: rows that are not re-keyed are found by that.
  static func forms(of text: String, in workspace: WorkspaceID) -> [NameKey] {
    [NameKey(workspace: workspace, comparing: text)]
      + [ComparisonKey.former(of: text)].compactMap { $0.map { NameKey(workspace: workspace, name: $0) } }
  }

  /// The key of a row whose own key another row has. A comparison key begins with no blank: nothing is looked up by this one.
  static func duplicate(_ row: ResourceKey) -> NameKey { NameKey(workspace: row.workspace, name: " duplicate \(row.id)") }

  static func < (left: Self, right: Self) -> Bool {
    (left.workspace, left.name) < (right.workspace, right.name)
  }

  /// By the bytes of the name, as the database compares.
  static func == (left: Self, right: Self) -> Bool {
    left.workspace == right.workspace && left.name.utf8.elementsEqual(right.name.utf8)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(workspace)
    var name = name
    name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
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
