import Models
import Postgres

// Statements of the second round trip, which few batches need.
extension LoadStatements {
  /// The groups of users, locked, with those memberships.
  static func groups(of users: Set<ResourceKey>) -> [Load] {
    let parameters = users.sorted().columns
    return [
      Load(statement: groupsOfUsersStatement, parameters: parameters) { row, set in set.load(try LoadedRow(row: row).group) },
      Load(statement: membershipsOfUsersStatement, parameters: parameters) { row, set in
        set.loadMembership(try membershipKey(row), isMember: true, isUser: true)
      },
    ]
  }

  private static let groupsOfUsersStatement = Statement(
    "load groups of users",
    LoadedRow.select(
      .group, LoadedRow.groupColumns,
      """
      from identity.groups g
      where exists (
        select
        from unnest($1::uuid[], $2::uuid[]) as leaving (workspace_id, user_id)
        join identity.memberships m using (workspace_id, user_id)
        where m.workspace_id = g.workspace_id and m.group_id = g.id
      )
      order by g.workspace_id, g.id
      for no key update of g
      """))

  private static let membershipsOfUsersStatement = Statement(
    "load memberships of users",
    """
    select m.workspace_id, m.group_id, m.user_id
    from unnest($1::uuid[], $2::uuid[]) as leaving (workspace_id, user_id)
    join identity.memberships m using (workspace_id, user_id)
    join identity.groups g on g.workspace_id = m.workspace_id and g.id = m.group_id
    """)

  /// The departures from groups within the window of the change guard. The rows of the groups are locked, so that concurrent batches count
  /// the departures of each other.
  static func departures(_ groups: Set<ResourceKey>) -> Load {
    Load(statement: departureStatement, parameters: groups.sorted().columns + [.double(ChangeGuard.window)]) { row, set in
      set.load(
        Departures(count: try row.int(2), members: try row.int(3), present: try row.int(4)),
        of: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))))
    }
  }

  private static let departureStatement = Statement(
    "load departures",
    """
    select touched.workspace_id, touched.group_id, coalesce(past.departed, 0)::int8, coalesce(past.members, present.members), present.members
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, group_id)
    cross join lateral (
      select count(*) as members
      from identity.memberships m
      where m.workspace_id = touched.workspace_id and m.group_id = touched.group_id
    ) present
    left join lateral (
      select sum(d.departed) as departed, (array_agg(d.members order by d.happened_at))[1] as members
      from identity.departures d
      where d.workspace_id = touched.workspace_id
      and d.group_id = touched.group_id
      and d.happened_at > now() - make_interval(secs => $3)
    ) past on true
    """)
}

/// The departures from a group within ``ChangeGuard/window``, including this batch.
struct Departures: Sendable, Equatable {
  var count = 0
  /// The number of members before the first one left.
  var members = 0
  /// The number of members when the batch began.
  var present = 0
}

extension WriteSet {
  /// Users whose `userName` these commands may reassign to another person, so that the users leave their groups.
  func reassignedUsers(in set: WorkingSet) -> Set<ResourceKey> {
    var found: Set<ResourceKey> = []
    for (name, externalIDs) in createdUsers {
      found.formUnion(renamedUsers[name] ?? [])
      guard let user = set.user(named: name) else { continue }
      // The state of a user that this batch changes is not known yet.
      let isReassigned = externalIDs.contains { UserRecord.differ(user.externalID, $0) }
      let isFree = user.state == .disabled || set.heldChanges[user.key] != nil
      if users.contains(user.key) || isReassigned && isFree { found.insert(user.key) }
    }
    return found
  }

  /// Groups that may lose members, in workspaces with a change guard.
  func guardedGroups(in set: WorkingSet) -> Set<ResourceKey> {
    shrinkingGroups.filter { set.groups[$0] != nil && isGuarded($0.workspace, in: set) }
  }

  /// Groups with a pending or possible deletion that a new group of the same name would restore.
  func restorableGroups(in set: WorkingSet) -> Set<ResourceKey> {
    let workspaces = Set(createdGroups.map(\.workspace)).filter { isGuarded($0, in: set) }
    let held = createdGroups.flatMap { name in set.groups(named: name) }.map(\.key).filter { set.heldChanges[$0]?.kind == .groupDeleted }
    return deletedGroups.filter { workspaces.contains($0.workspace) && set.groups[$0] != nil }.union(held)
  }

  /// Whether resources of a workspace may have held changes: from the present change guard, or from an earlier one.
  func mayHoldChanges(_ workspace: WorkspaceID, in set: WorkingSet) -> Bool {
    keptRoles[workspace] != nil || set.workspaces[workspace]?.settings.changeGuard != nil
      || set.workspaces[workspace]?.settings.seats?.policy == .hold || set.workspacesWithHeldChanges.contains(workspace)
  }

  /// Whether a workspace limits deactivations, or may do so because the batch writes its settings.
  func limitsDeactivations(_ workspace: WorkspaceID, in set: WorkingSet) -> Bool {
    keptRoles[workspace] != nil || set.workspaces[workspace]?.settings.changeGuard?.maximumDeactivations != nil
  }

  /// Whether a workspace has a change guard, or may get one because the batch writes its settings.
  func isGuarded(_ workspace: WorkspaceID, in set: WorkingSet) -> Bool {
    keptRoles[workspace] != nil || set.workspaces[workspace]?.settings.changeGuard?.maximumShrink != nil
  }
}
