import Foundation
import Models
import Postgres
import Primitives

/// The statements that load a working set. Names are locked first, then rows in the order of their keys.
enum LoadStatements {
  /// The loads that a write set needs. Of these, most batches need one or two: the locks of names and the rows.
  ///
  /// Each statement sees what other processes have committed before it begins. What depends on a lock is therefore read by a later statement
  /// than the one that waits for the lock.
  ///
  /// - Parameter known: Workspaces whose settings are not loaded again if they have not changed.
  static func loads(for writeSet: WriteSet, knowing known: [WorkspaceID: WorkspaceRecord]) -> [Load] {
    var loads: [Load] = []
    let names = writeSet.nameLocks
    if !names.isEmpty { loads.append(Load(statement: lockNames, parameters: [.intArray(names)]) { _, _ in }) }
    if !writeSet.keptRoles.isEmpty { loads += settings(writeSet) }
    if !writeSet.lockedWorkspaces.isEmpty { loads.append(workspaceLocks(writeSet.lockedWorkspaces)) }
    loads.append(rows(writeSet, knowing: known))
    if !writeSet.memberships.isEmpty || !writeSet.replacedGroups.isEmpty {
      loads.append(members(named: writeSet.memberships, of: writeSet.replacedGroups))
    }
    if !writeSet.memberRanges.isEmpty { loads.append(membersInRanges(writeSet.memberRanges)) }
    if !writeSet.allTokens.isEmpty { loads.append(tokens(writeSet.allTokens)) }
    if !writeSet.tokenDays.isEmpty { loads.append(addresses(writeSet.tokenDays)) }
    if !writeSet.accountImports.isEmpty { loads.append(accountImports(writeSet.accountImports)) }
    if !writeSet.workspaceImports.isEmpty { loads.append(workspaceImports(writeSet.workspaceImports)) }
    if !writeSet.mailDomains.isEmpty { loads.append(mailDomains(writeSet.mailDomains)) }
    if !writeSet.webhookOwners.isEmpty { loads.append(webhooks(of: writeSet.webhookOwners)) }
    return loads
  }

  // A new name has no row to lock, so two processes could both find it available.
  private static let lockNames = Statement(
    "lock names",
    """
    select pg_advisory_xact_lock(name) from unnest($1::int8[]) as name
    """)

  /// Loads which named memberships do not exist, and whether their users exist; and all members of `replaced` groups that no command names,
  /// and who therefore leave.
  static func members(named: Set<MembershipKey>, of replaced: Set<ResourceKey>) -> Load {
    Load(statement: memberStatement, parameters: named.sorted().columns + replaced.sorted().columns) { row, set in
      set.loadMembership(try membershipKey(row), isMember: try row.bool(3), isUser: try row.bool(4))
    }
  }

  // `offset 0` keeps the subquery apart, so that a plan made for a small table searches the index, too.
  private static let memberStatement = Statement(
    "load members",
    """
    select named.workspace_id, named.group_id, named.user_id, false, u.id is not null
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as named (workspace_id, group_id, user_id)
    left join identity.memberships m using (workspace_id, group_id, user_id)
    left join identity.users u on u.workspace_id = named.workspace_id and u.id = named.user_id
    where m.user_id is null
    union all
    select other.workspace_id, other.group_id, other.user_id, true, true
    from (
      select m.*
      from unnest($4::uuid[], $5::uuid[]) as replaced (workspace_id, group_id)
      cross join lateral (
        select m.workspace_id, m.group_id, m.user_id
        from identity.memberships m
        where m.workspace_id = replaced.workspace_id and m.group_id = replaced.group_id
        offset 0
      ) m
      except
      select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    ) other
    """)

  /// Loads the members of groups whose ids are in a range.
  private static func membersInRanges(_ ranges: Set<MemberRangeKey>) -> Load {
    let ranges = ranges.sorted { $0.group < $1.group }
    let bounds: [PostgresValue] = [.uuidArray(ranges.map { $0.range.after?.uuid }), .uuidArray(ranges.map { $0.range.through?.uuid })]
    return Load(statement: membersInRangeStatement, parameters: ranges.map(\.group).columns + bounds) { row, set in
      set.loadMembership(try membershipKey(row), isMember: true, isUser: true)
    }
  }

  // Explicit bounds instead of nulls, so that the scan of the primary key is limited at both ends.
  private static let membersInRangeStatement = Statement(
    "load members in ranges",
    """
    select m.workspace_id, m.group_id, m.user_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) as wanted (workspace_id, group_id, after, through)
    join identity.memberships m
      on m.workspace_id = wanted.workspace_id
      and m.group_id = wanted.group_id
      and m.user_id >= coalesce(wanted.after, '00000000-0000-0000-0000-000000000000')
      and m.user_id <= coalesce(wanted.through, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and m.user_id is distinct from wanted.after
    join identity.users u on u.workspace_id = m.workspace_id and u.id = m.user_id
    """)

  static func membershipKey(_ row: Row) throws -> MembershipKey {
    MembershipKey(
      group: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))), user: UserID(try row.uuid(2)))
  }
}

/// The error for a user state in the database that this build does not know.
struct UnknownState: Error, CustomStringConvertible {
  var state: String
  var description: String { "identity.users has the unknown state '\(state)'; this build is older than the database" }
}
