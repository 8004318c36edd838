import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import Primitives

/// A group as the console lists it: what the identity provider pushed, and what the product's directory made of it.
struct ListedGroup: Sendable, Equatable {
  var id: GroupID
  var name: String
  /// What the list is in the order of.
  var key: String
  /// When the identity provider last changed it.
  var modifiedAt: Date
  /// nil while the directory has not taken the group in yet, or not all of it.
  var counts: MembershipStatusCounts?
}

/// How many of a group's members stand where.
struct MembershipStatusCounts: Sendable, Equatable {
  var visible = 0
  var pending = 0
  var held = 0

  var all: Int { visible + pending + held }

  subscript(standing: MembershipStatus) -> Int {
    switch standing {
    case .visible: visible
    case .pending: pending
    case .held: held
    }
  }
}

extension MembershipStatusCounts {
  /// Whether more members than this would be looked at for a page of those who stand there, were they spread evenly.
  private static let most = 5000

  func isRare(_ standing: MembershipStatus, limit: Int) -> Bool { all * limit > Self.most * max(1, self[standing]) && all > Self.most }
}

extension MembershipStatus {
  /// The state of people who stand there.
  fileprivate var state: UserState {
    switch self {
    case .visible: .active
    case .pending: .invited
    case .held: .disabled
    }
  }
}

/// All that a group's page says of the group itself.
struct GroupDetails: Sendable, Equatable {
  var id: GroupID
  var name: String
  var externalID: String?
  var createdAt: Date
  var modifiedAt: Date
  var counts: MembershipStatusCounts?
  /// The change that waits for an admin's approval.
  var held: HeldGroupChange?
}

/// A change of a group that waits for approval.
struct HeldGroupChange: Sendable, Equatable {
  /// Whether the whole group is to be deleted.
  var isDeletion = false
  var members: Int?
  var leaving: Int
  var heldAt: Date
}

/// Reads groups with the counts that group-sync keeps of them.
struct GroupsQuery: Sendable {
  let database: Database

  /// Groups by name, and by id where several share one, from behind `after` on.
  ///
  /// - Parameter prefix: what their names begin with, compared by the key; nil for all.
  func groups(
    named prefix: String?, after: (key: String, id: ResourceID)?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [ListedGroup] {
    let rows = try await database.query(
      Self.list,
      [
        .uuid(workspace.uuid), .optional(prefix.map { ComparisonKey($0).text }, PostgresValue.text),
        .optional(after?.key, PostgresValue.text), .int(Int64(limit)), .optional(after?.id.uuid, PostgresValue.uuid),
      ], in: workspace)
    return try rows.map { row in
      ListedGroup(
        id: GroupID(try row.uuid(0)), name: try row.string(1), key: try row.string(2), modifiedAt: try row.timestamp(3),
        counts: try Self.counts(row, 4))
    }
  }

  /// How many groups the workspace has.
  func total(in workspace: WorkspaceID) async throws -> Int {
    try await database.query(Self.total, [.uuid(workspace.uuid)], in: workspace).first?.int(0) ?? 0
  }

  /// nil where there is none.
  func facts(of group: GroupID, in workspace: WorkspaceID) async throws -> GroupDetails? {
    let rows = try await database.query(Self.one, [.uuid(workspace.uuid), .uuid(group.uuid)], in: workspace)
    guard let row = rows.first else { return nil }
    return GroupDetails(
      id: group, name: try row.string(0), externalID: try row.optionalString(1), createdAt: try row.timestamp(2),
      modifiedAt: try row.timestamp(3), counts: try Self.counts(row, 4),
      held: try row.optionalTimestamp(10).map { heldAt in
        HeldGroupChange(
          isDeletion: try row.string(11) == HeldChangeKind.groupDeleted.rawValue, members: try row.optionalInt(8), leaving: try row.int(9),
          heldAt: heldAt)
      })
  }

  /// Members of a group who stand somewhere, by id, from behind `after` on.
  ///
  /// Most groups are read member by member until enough are found. Where that would take a great many, because few of many stand there, the
  /// list of those who are in the state is read beside the group's.
  func members(
    of group: GroupDetails, standing: MembershipStatus, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DirectoryMember] {
    let directory = DatabaseDirectory(database: database)
    guard let counts = group.counts else {
      return try await directory.members(of: group.id, standing: standing, after: after, limit: limit, in: workspace)
    }
    // Of nobody nothing is looked at.
    guard counts[standing] > 0 else { return [] }
    if counts.isRare(standing, limit: limit) {
      let found = try await few(of: group.id, standing, after: after, limit: limit, in: workspace)
      // Those whose own data has not come are in no state: rarely, and for a moment, there are such.
      if after != nil || found.count >= min(counts[standing], limit) { return found }
    }
    return try await directory.members(of: group.id, standing: standing, after: after, limit: limit, in: workspace)
  }

  private func few(
    of group: GroupID, _ standing: MembershipStatus, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DirectoryMember] {
    let rows = try await database.search(
      Self.membersInState,
      [
        .uuid(workspace.uuid), .uuid(group.uuid), .text(standing.state.rawValue), .uuid((after ?? Self.first).uuid), .int(Int64(limit)),
      ], in: workspace)
    return try rows.map { row in
      DirectoryMember(
        id: UserID(try row.uuid(0)), state: standing.state, email: try row.optionalString(1), displayName: try row.optionalString(2),
        role: try row.optionalString(3), standing: standing.rawValue)
    }
  }

  /// No id lies before it.
  private static let first = UserID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

  private static func counts(_ row: Row, _ column: Int) throws -> MembershipStatusCounts? {
    guard try row.bool(column) else { return nil }
    return MembershipStatusCounts(visible: try row.int(column + 1), pending: try row.int(column + 2), held: try row.int(column + 3))
  }
}

extension GroupsQuery {
  // A group without members has no row of counts.
  private static let counted = """
    coalesce(d.complete, false), coalesce(c.visible, 0), coalesce(c.pending, 0), coalesce(c.held, 0)
    """

  // What begins with the prefix is not less than it, so that the index is entered there; under most collations it ends there, too.
  static let list = Statement(
    "console groups",
    """
    select g.id, g.display_name, g.display_name_key, g.modified_at, \(counted)
    from (
      select workspace_id, id, display_name, display_name_key, modified_at
      from identity_read.groups
      where workspace_id = $1
      and display_name_key >= coalesce($3, $2::text, '')
      and ($3::text is null or (display_name_key, id) > ($3, $5::uuid))
      and ($2::text is null or starts_with(display_name_key, $2))
      order by display_name_key, id
      limit $4::int8
    ) g
    left join directory_read.groups d on d.workspace_id = g.workspace_id and d.id = g.id
    left join directory_read.group_counts c on c.workspace_id = g.workspace_id and c.group_id = g.id
    order by g.display_name_key, g.id
    """)

  static let membersInState = Statement(
    "console group members in state",
    """
    select m.id, m.email, m.display_name, m.role
    from directory_read.members_in_state($1, $2, $3, $4, $5::int8) as found (id)
    join directory_read.members m on m.workspace_id = $1 and m.id = found.id
    order by m.id
    """)

  private static let total = Statement(
    "console groups total",
    """
    select total
    from identity_read.totals
    where workspace_id = $1
    and type = 'Group'
    """)

  static let one = Statement(
    "console group",
    """
    select
      g.display_name, g.external_id, g.created_at, g.modified_at, \(counted),
      h.members, cardinality(h.leaving), h.held_at, h.kind
    from identity_read.groups g
    left join directory_read.groups d on d.workspace_id = g.workspace_id and d.id = g.id
    left join directory_read.group_counts c on c.workspace_id = g.workspace_id and c.group_id = g.id
    left join lateral (
      select members, leaving, held_at, kind
      from identity_read.held_changes
      where workspace_id = g.workspace_id
      and resource_id = g.id
      and status = 'pending'
      order by id desc
      limit 1
    ) h on true
    where g.workspace_id = $1
    and g.id = $2
    """)
}
