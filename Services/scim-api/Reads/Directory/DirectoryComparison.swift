import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIMStorage

/// Compares the product's directory of a workspace with the store, a part at a time.
///
/// Both are read in one snapshot. A difference may be a change that group-sync has not processed yet: only those that stay are errors.
package struct DirectoryComparison: Sendable {
  private let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The number of users that a part compares.
  static let usersPerPart = 5000
  /// The number of groups that a part compares, with their members.
  static let groupsPerPart = 50
  /// The largest number of differences of one kind in a part.
  static let maximumDifferences = 10_000

  /// The differences of a part of the directory.
  package struct Part: Sendable {
    /// The differences, by kind and id.
    package var differences: [DirectoryDifference]
    /// Where the next part starts; nil after the last part.
    package var next: CursorPosition?
  }

  /// Compares the next part: users first, then groups with their memberships.
  ///
  /// - Parameter position: the end of the previous part; nil for the first part.
  package func part(after position: CursorPosition?, in workspace: WorkspaceID) async throws -> Part {
    let snapshot = try await database.snapshot(of: workspace)
    let kind = position?.kind ?? .user
    let count = kind == .user ? Self.usersPerPart : Self.groupsPerPart
    let found = try await snapshot.query(
      kind == .user ? Self.userIDs : Self.groupIDs,
      [.uuid(workspace.uuid), .uuid(position?.id.uuid ?? Self.lowest), .int(Int64(count))])
    let ids = try found.map { try $0.uuid(0) }
    var part = Part(differences: [], next: nil)
    if !ids.isEmpty {
      part.differences =
        kind == .user
        ? try await users(ids, in: workspace, snapshot) : try await groups(ids, in: workspace, snapshot)
    }
    if ids.count == count, let last = ids.last {
      part.next = CursorPosition(kind: kind, id: ResourceID(last))
    } else if kind == .user {
      part.next = CursorPosition(kind: .group, id: ResourceID(Self.lowest))
    }
    return part
  }

  private static let lowest = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

  private func users(_ ids: [UUID], in workspace: WorkspaceID, _ snapshot: Database.Snapshot) async throws -> [DirectoryDifference] {
    try await snapshot.query(Self.differentUsers, Self.parameters(workspace, ids)).map { row in
      DirectoryDifference(
        .user(UserID(try row.uuid(0))), isExtra: try row.bool(1), isMissing: try row.bool(2),
        try Self.properties(["state", "email", "name", "role", "version", "profile"], in: row))
    }
  }

  private func groups(_ ids: [UUID], in workspace: WorkspaceID, _ snapshot: Database.Snapshot) async throws -> [DirectoryDifference] {
    let parameters = Self.parameters(workspace, ids)
    let groups = try await snapshot.query(Self.differentGroups, parameters).map { row in
      DirectoryDifference(
        .group(GroupID(try row.uuid(0))), isExtra: try row.bool(1), isMissing: try row.bool(2),
        try Self.properties(["name", "version", "membership"], in: row))
    }
    let memberships = try await snapshot.query(Self.differentMemberships, parameters).map { row in
      let isExtra = try row.bool(2)
      return DirectoryDifference(
        .membership(GroupID(try row.uuid(0)), UserID(try row.uuid(1))), isExtra: isExtra, isMissing: !isExtra)
    }
    return groups + memberships
  }

  private static func parameters(_ workspace: WorkspaceID, _ ids: [UUID]) -> [PostgresValue] {
    [.uuid(workspace.uuid), .uuidArray(ids), .int(Int64(maximumDifferences))]
  }

  /// The properties from the fourth column on: two columns each, store and directory.
  private static func properties(_ names: [String], in row: Row) throws -> [DirectoryDifference.Property] {
    try names.enumerated().map { index, name in
      DirectoryDifference.Property(
        name: name, inStore: try row.optionalString(3 + 2 * index), inDirectory: try row.optionalString(4 + 2 * index))
    }
  }
}

extension DirectoryComparison {
  /// The next ids of users that the store or the directory has.
  private static let userIDs = ids("users", store: "identity_read.users", directory: "directory_read.members")
  /// The next ids of groups that the store or the directory has.
  private static let groupIDs = ids("groups", store: "identity_read.groups", directory: "directory_read.groups")

  private static func ids(_ what: String, store: String, directory: String) -> Statement {
    Statement(
      "scim_api next \(what) to compare",
      """
      select id
      from (
        (select id from \(store) where workspace_id = $1 and id > $2 order by id limit $3::int8)
        union
        (select id from \(directory) where workspace_id = $1 and id > $2 order by id limit $3::int8)
      ) found
      order by id
      limit $3::int8
      """)
  }

  /// The id, whether only the directory or only the store has the user, and each attribute in the store and in the directory.
  private static let differentUsers = Statement(
    "scim_api compare users",
    """
    select
      coalesce(u.id, m.id), u.id is null, m.id is null, u.state, m.state, u.email, m.email, u.display_name, m.display_name, u.role, m.role,
      u.version::text, m.version::text, case when u.id is not null then 'complete' end,
      case when m.document is not null then 'complete' when m.id is not null then 'incomplete' end
    from (select * from identity_read.users where workspace_id = $1 and id = any ($2::uuid[])) u
    full join (select * from directory_read.members where workspace_id = $1 and id = any ($2::uuid[])) m on m.id = u.id
    where (u.id, u.state, u.email, u.display_name, u.role, u.version, true)
      is distinct from (m.id, m.state, m.email, m.display_name, m.role, m.version, m.document is not null)
    order by 1
    limit $3::int8
    """)

  /// The id, whether only the directory or only the store has the group, and each attribute in the store and in the directory.
  private static let differentGroups = Statement(
    "scim_api compare groups",
    """
    select
      coalesce(g.id, d.id), g.id is null, d.id is null, g.display_name, d.display_name, g.version::text, d.version::text,
      case when g.id is not null then 'whole' end, case when d.complete then 'whole' when d.id is not null then 'in parts' end
    from (select * from identity_read.groups where workspace_id = $1 and id = any ($2::uuid[])) g
    full join (select * from directory_read.groups where workspace_id = $1 and id = any ($2::uuid[])) d on d.id = g.id
    where (g.id, g.display_name, g.version, true) is distinct from (d.id, d.display_name, d.version, d.complete)
    order by 1
    limit $3::int8
    """)

  /// Group, user, and whether only the directory has the membership, for the groups with the ids.
  private static let differentMemberships = Statement(
    "scim_api compare memberships",
    """
    select coalesce(s.group_id, d.group_id), coalesce(s.user_id, d.member_id), s.user_id is null
    from (
      select m.group_id, m.user_id
      from identity_read.memberships m
      join identity_read.users u on u.workspace_id = m.workspace_id and u.id = m.user_id
      join identity_read.groups g on g.workspace_id = m.workspace_id and g.id = m.group_id
      where m.workspace_id = $1
      and m.group_id = any ($2::uuid[])
    ) s
    full join (
      select group_id, member_id
      from directory_read.memberships
      where workspace_id = $1
      and group_id = any ($2::uuid[])
    ) d on d.group_id = s.group_id and d.member_id = s.user_id
    where s.user_id is null
    or d.member_id is null
    order by 1, 2
    limit $3::int8
    """)
}

/// A difference between identity-store's data and group-sync's directory.
package struct DirectoryDifference: Sendable, Equatable {
  /// The resource that differs.
  package enum Subject: Sendable, Hashable {
    case user(UserID)
    case group(GroupID)
    case membership(GroupID, UserID)
  }

  /// The resource that differs.
  package var subject: Subject
  /// What differs, with both values.
  package var description: String

  /// One property with its values in the store and in the directory.
  struct Property: Sendable {
    var name: String
    var inStore: String?
    var inDirectory: String?
  }

  /// - Parameters:
  ///   - isExtra: whether only the directory has the resource.
  ///   - isMissing: whether only the store has the resource.
  init(_ subject: Subject, isExtra: Bool, isMissing: Bool, _ properties: [Property] = []) {
    self.subject = subject
    if isMissing {
      description = "missing in the directory"
    } else if isExtra {
      description = "extra in the directory: it is not in the store"
    } else {
      description = properties.filter { $0.inStore != $0.inDirectory }.map { property in
        "\(property.name) is \(Self.quoted(property.inDirectory)) in the directory and \(Self.quoted(property.inStore)) in the store"
      }.joined(separator: "; ")
    }
  }

  private static func quoted(_ text: String?) -> String { text.map { "'\($0)'" } ?? "nothing" }
}
