import EdgeHTTP
import Foundation
import Models
import Postgres
import Primitives

/// A group in the list: the pushed group, and the counts of the product's directory.
package struct ListedGroup: Sendable, Equatable {
  /// The id.
  package var id: GroupID
  /// The display name.
  package var name: String
  /// The sort key of the list.
  package var key: String
  /// When the identity provider last changed the group.
  package var modifiedAt: Date
  /// nil while the directory has not processed all changes of the group.
  package var counts: MembershipStatusCounts?
}

/// The number of members of a group by membership status.
package struct MembershipStatusCounts: Sendable, Equatable {
  /// The number of visible members.
  package var visible = 0
  /// The number of pending members.
  package var pending = 0
  /// The number of held members.
  package var held = 0

  /// The given numbers of members.
  package init(visible: Int = 0, pending: Int = 0, held: Int = 0) {
    self.visible = visible
    self.pending = pending
    self.held = held
  }

  /// The number of all members.
  package var all: Int { visible + pending + held }

  /// The number of members with a status.
  package subscript(status: MembershipStatus) -> Int {
    switch status {
    case .visible: visible
    case .pending: pending
    case .held: held
    }
  }
}

extension MembershipStatusCounts {
  /// The number of members that a page may scan.
  private static let maximumScanned = 5000

  /// Whether a page of members with a status would scan more than ``maximumScanned`` members, if they are evenly distributed.
  package func isRare(_ status: MembershipStatus, limit: Int) -> Bool {
    all * limit > Self.maximumScanned * max(1, self[status]) && all > Self.maximumScanned
  }
}

extension MembershipStatus {
  /// The user state that leads to the status.
  fileprivate var state: UserState {
    switch self {
    case .visible: .active
    case .pending: .invited
    case .held: .disabled
    }
  }
}

/// A group, for its own page.
package struct GroupDetails: Sendable, Equatable {
  /// The id.
  package var id: GroupID
  /// The display name.
  package var name: String
  /// The identity provider's id.
  package var externalID: String?
  /// When the group was created.
  package var createdAt: Date
  /// When the identity provider last changed the group.
  package var modifiedAt: Date
  /// nil while the directory has not processed all changes of the group.
  package var counts: MembershipStatusCounts?
  /// The change that waits for approval.
  package var held: HeldGroupChange?
}

/// A change of a group that waits for approval.
package struct HeldGroupChange: Sendable, Equatable {
  /// Whether the change deletes the group.
  package var isDeletion = false
  /// The number of members of the group.
  package var members: Int?
  /// The number of members who would leave.
  package var leaving: Int
  /// When the change was held.
  package var heldAt: Date
}

/// A member of a group in the product's directory.
package struct GroupMember: Sendable, Equatable {
  /// The id.
  package var id: UserID
  /// nil if the person's own data has not arrived yet.
  package var state: UserState?
  /// The primary address.
  package var email: String?
  /// The display name.
  package var displayName: String?
  /// The product role.
  package var role: String?
}

/// Reads groups, their members, and the counts that group-sync maintains.
package struct GroupsQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The groups after `after`, by name and id.
  ///
  /// - Parameter prefix: the start of the name, compared by comparison key; nil for all groups.
  package func groups(
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

  /// The number of groups of the workspace.
  package func total(in workspace: WorkspaceID) async throws -> Int {
    try await database.query(Self.total, [.uuid(workspace.uuid)], in: workspace).first?.int(0) ?? 0
  }

  /// A group; nil if it does not exist.
  package func group(_ group: GroupID, in workspace: WorkspaceID) async throws -> GroupDetails? {
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

  /// The members of a group with a membership status after `after`, by id.
  ///
  /// Scans the members of the group, unless the status is so rare that it is faster to start from the people in the corresponding state.
  package func members(
    of group: GroupDetails, status: MembershipStatus, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [GroupMember] {
    guard let counts = group.counts else {
      return try await scanMembers(of: group.id, status, after: after, limit: limit, in: workspace)
    }
    guard counts[status] > 0 else { return [] }
    if counts.isRare(status, limit: limit) {
      let found = try await membersByState(of: group.id, status, after: after, limit: limit, in: workspace)
      // Members whose own data has not arrived have no state. If some are missing, all members are scanned.
      if after != nil || found.count >= min(counts[status], limit) { return found }
    }
    return try await scanMembers(of: group.id, status, after: after, limit: limit, in: workspace)
  }

  private func scanMembers(
    of group: GroupID, _ status: MembershipStatus, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [GroupMember] {
    let rows = try await database.search(
      Self.membersWithStatus,
      [
        .uuid(workspace.uuid), .uuid(group.uuid), .text(status.rawValue), .uuid((after ?? Self.first).uuid), .int(Int64(limit)),
      ], in: workspace)
    return try rows.map { row in
      GroupMember(
        id: UserID(try row.uuid(0)), state: try row.optionalString(4).flatMap(UserState.init(rawValue:)),
        email: try row.optionalString(1), displayName: try row.optionalString(2), role: try row.optionalString(3))
    }
  }

  private func membersByState(
    of group: GroupID, _ status: MembershipStatus, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [GroupMember] {
    let rows = try await database.search(
      Self.membersInState,
      [
        .uuid(workspace.uuid), .uuid(group.uuid), .text(status.state.rawValue), .uuid((after ?? Self.first).uuid), .int(Int64(limit)),
      ], in: workspace)
    return try rows.map { row in
      GroupMember(
        id: UserID(try row.uuid(0)), state: status.state, email: try row.optionalString(1), displayName: try row.optionalString(2),
        role: try row.optionalString(3))
    }
  }

  /// The lowest id.
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

  // Names with the prefix are not less than the prefix, so the index is scanned from there.
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

  static let membersWithStatus = Statement(
    "console group members with status",
    """
    select member_id, email, member_name, role, state
    from directory_read.group_members
    where workspace_id = $1
    and group_id = $2
    and status = $3
    and member_id > $4
    order by member_id
    limit $5::int8
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
