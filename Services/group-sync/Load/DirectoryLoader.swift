import Foundation
import Models
import Postgres

/// Loads the part of the directory that a batch needs, with set-based statements in one round trip.
///
/// The workspaces are locked first. Otherwise two replicas that apply a user event and a group event at the same time would not see each
/// other's changes, and the resulting membership would not be published.
struct DirectoryLoader: Sendable {
  /// Locks the workspaces and loads the rows.
  ///
  /// - Throws: `PostgresError` and `PostgresDecodingError`.
  func load(_ writeSet: WriteSet, in transaction: PostgresTransaction) async throws -> Directory {
    let users = writeSet.members.union(writeSet.memberships.lazy.map(\.member)).sorted()
    let ownMemberships = writeSet.members.sorted()
    let ranges = writeSet.ranges.sorted { $0.group < $1.group }
    let results = try await transaction.pipeline([
      (LoadStatements.lockWorkspaces, [.uuidArray(writeSet.workspaces.sorted().map(\.uuid))]),
      (LoadStatements.memberships, ownMemberships.columns + ranges.columns + writeSet.memberships.sorted().columns),
      (LoadStatements.members, users.columns + ranges.columns),
      (LoadStatements.groups, writeSet.groups.sorted().columns + ownMemberships.columns),
    ])
    var directory = Directory()
    for row in results[1] {
      directory.load(
        Membership(GroupKey(workspace: WorkspaceID(try row.uuid(0)), id: GroupID(try row.uuid(1))), UserID(try row.uuid(2))))
    }
    for row in results[2] { directory.load(try member(row)) }
    for row in results[3] { directory.load(try group(row)) }
    return directory
  }

  private func member(_ row: Row) throws -> Member {
    let key = MemberKey(workspace: WorkspaceID(try row.uuid(0)), id: UserID(try row.uuid(1)))
    let profile = try UserState(rawValue: row.string(3)).map { state in
      Member.Profile(
        state: state, email: try row.optionalString(4), displayName: try row.optionalString(5), role: try row.optionalString(6))
    }
    return Member(key: key, version: Int64(try row.int(2)), presence: profile.map(Presence.present) ?? .deleted)
  }

  private func group(_ row: Row) throws -> Group {
    let restated = try row.optionalUUID(6).map { Group.Coverage.through(UserID($0)) }
    return Group(
      key: GroupKey(workspace: WorkspaceID(try row.uuid(0)), id: GroupID(try row.uuid(1))),
      position: Group.Position(version: Int64(try row.int(2)), part: try row.int(3)),
      coverage: try row.bool(4) ? .complete : restated ?? .partial,
      presence: try row.optionalString(5).map(Presence.present) ?? .deleted)
  }
}

/// The statements of a ``DirectoryLoader``.
enum LoadStatements {
  // The two-key form shares no keys with the locks of the relay and the migrations. Sorted, so that all replicas acquire the locks in the
  // same order. Two workspaces may share a lock, which only costs waiting time.
  static let lockWorkspaces = Statement(
    "lock workspaces",
    """
    select pg_advisory_xact_lock(1, lock)
    from (
      select distinct uuid_hash(workspace_id) as lock
      from unnest($1::uuid[]) as workspace_id
      order by lock
    ) as locks
    """)

  // Explicit bounds instead of nulls, so that the scan of the primary key is limited at both ends.
  private static let isInRange = """
    s.workspace_id = range.workspace_id
      and s.group_id = range.group_id
      and s.member_id >= coalesce(range.after, '00000000-0000-0000-0000-000000000000')
      and s.member_id <= coalesce(range.through, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and s.member_id is distinct from range.after
    """

  static let memberships = Statement(
    "load memberships",
    """
    select workspace_id, group_id, member_id
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, member_id)
    join directory.memberships using (workspace_id, member_id)
    union
    select s.workspace_id, s.group_id, s.member_id
    from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[]) as range (workspace_id, group_id, after, through)
    join directory.memberships s on \(isInRange)
    union
    select workspace_id, group_id, member_id
    from unnest($7::uuid[], $8::uuid[], $9::uuid[]) as named (workspace_id, group_id, member_id)
    join directory.memberships using (workspace_id, group_id, member_id)
    """)

  static let members = Statement(
    "load members",
    """
    select workspace_id, id, version, state, email, display_name, role
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
    join directory.members using (workspace_id, id)
    union
    select m.workspace_id, m.id, m.version, m.state, m.email, m.display_name, m.role
    from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[]) as range (workspace_id, group_id, after, through)
    join directory.memberships s on \(isInRange)
    join directory.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
    """)

  // `offset 0` makes the planner look up each row by its key, also on tables that were never analysed.
  static let groups = Statement(
    "load groups",
    """
    select workspace_id, id, version, part, complete, display_name, restated_through
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
    join directory.groups using (workspace_id, id)
    union
    select g.workspace_id, g.id, g.version, g.part, g.complete, g.display_name, g.restated_through
    from unnest($3::uuid[], $4::uuid[]) as touched (workspace_id, member_id)
    cross join lateral (
      select s.group_id
      from directory.memberships s
      where s.workspace_id = touched.workspace_id and s.member_id = touched.member_id
      offset 0
    ) s
    cross join lateral (
      select * from directory.groups g where g.workspace_id = touched.workspace_id and g.id = s.group_id offset 0
    ) g
    """)
}
