import Foundation
import Models
import Postgres
import Primitives

/// The primary key of a resource.
struct ResourceKey: Hashable, Sendable, Comparable {
  var workspace: WorkspaceID
  var id: ResourceID

  /// The order in which rows are locked.
  static func < (left: Self, right: Self) -> Bool {
    (left.workspace, left.id) < (right.workspace, right.id)
  }
}

/// The comparison key of a name within a workspace.
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

  /// The comparison key of `text`, and its key in older versions if it differs: rows that are not re-keyed yet have the older one.
  static func forms(of text: String, in workspace: WorkspaceID) -> [NameKey] {
    [NameKey(workspace: workspace, comparing: text)]
      + [ComparisonKey.former(of: text)].compactMap { $0.map { NameKey(workspace: workspace, name: $0) } }
  }

  /// A placeholder key for a row whose own key belongs to another row. It begins with a blank, unlike any comparison key, so no lookup
  /// finds it.
  static func duplicate(_ row: ResourceKey) -> NameKey { NameKey(workspace: row.workspace, name: " duplicate \(row.id)") }

  static func < (left: Self, right: Self) -> Bool {
    (left.workspace, left.name) < (right.workspace, right.name)
  }

  /// Compares the bytes of the name, as the database does.
  static func == (left: Self, right: Self) -> Bool {
    left.workspace == right.workspace && left.name.utf8.elementsEqual(right.name.utf8)
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(workspace)
    var name = name
    name.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}

/// The key of the use counts of a token on one day.
struct TokenDay: Hashable, Sendable, Comparable {
  var token: ResourceKey
  /// The day in UTC, such as `2026-01-31`.
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

/// The primary key of a membership.
struct MembershipKey: Hashable, Sendable, Comparable {
  var group: ResourceKey
  var user: UserID

  static func < (left: Self, right: Self) -> Bool {
    (left.group, left.user) < (right.group, right.user)
  }
}

/// A range of members of a group.
struct MemberRangeKey: Hashable, Sendable {
  var group: ResourceKey
  var range: MemberRange
}

// Keys as array parameters of set-based statements, one array for each column.

extension [ResourceKey] {
  /// Workspace ids and resource ids.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))]
  }
}

extension [NameKey] {
  /// Workspace ids and names.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.workspace.uuid)), .textArray(map(\.name))]
  }
}

extension [MembershipKey] {
  /// Workspace ids, group ids and user ids.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.group.workspace.uuid)), .uuidArray(map(\.group.id.uuid)), .uuidArray(map(\.user.uuid))]
  }
}
