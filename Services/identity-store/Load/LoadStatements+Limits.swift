import Foundation
import Models
import Postgres

// Loads for the seat limit, and for the last active admin of a workspace. Only commands that may use a seat or lose an admin need them.
extension LoadStatements {
  /// The seats taken in workspaces with a limit.
  ///
  /// The workspaces are locked first, so that concurrent batches count the seats of each other. These locks follow those of
  /// ``recentDeactivations(_:)``.
  static func seats(_ workspaces: Set<WorkspaceID>) -> [Load] {
    let ids = PostgresValue.uuidArray(workspaces.sorted().map(\.uuid))
    return [
      Load(statement: lockSeats, parameters: [ids]) { _, _ in },
      Load(statement: seatStatement, parameters: [ids]) { row, set in
        set.loadSeats(taken: try row.int(1), in: WorkspaceID(try row.uuid(0)))
      },
    ]
  }

  // As for deactivations. group-sync uses 1 as the first key, ``recentDeactivations(_:)`` 2.
  private static let lockSeats = Statement(
    "lock seats",
    """
    select pg_advisory_xact_lock(3, uuid_hash(id))
    from (select id from unnest($1::uuid[]) as limited (id) order by id) as limited
    """)

  private static let seatStatement = Statement(
    "load seats",
    """
    select limited.id, coalesce(taken.seats, 0)::int8
    from unnest($1::uuid[]) as limited (id)
    cross join lateral (
      select sum(t.invited + t.active) as seats
      from identity.state_totals t
      where t.workspace_id = limited.id
    ) taken
    """)

  /// Whether workspaces have active admins besides the loaded users. These locks follow those of ``seats(_:)``.
  ///
  /// - Parameter loaded: The users that the batch has loaded.
  static func otherAdmins(_ workspaces: Set<WorkspaceID>, than loaded: some Sequence<ResourceKey>) -> [Load] {
    let ids = PostgresValue.uuidArray(workspaces.sorted().map(\.uuid))
    let known = loaded.filter { workspaces.contains($0.workspace) }.sorted()
    return [
      Load(statement: lockAdmins, parameters: [ids]) { _, _ in },
      Load(statement: adminStatement, parameters: [ids, .uuidArray(known.map(\.id.uuid))]) { row, set in
        set.loadOtherAdmins(exist: try row.bool(1), in: WorkspaceID(try row.uuid(0)))
      },
    ]
  }

  private static let lockAdmins = Statement(
    "lock admins",
    """
    select pg_advisory_xact_lock(4, uuid_hash(id))
    from (select id from unnest($1::uuid[]) as touched (id) order by id) as touched
    """)

  private static let adminStatement = Statement(
    "load other admins",
    """
    select touched.id, exists (
      select
      from identity.users u
      where u.workspace_id = touched.id
      and u.role = 'admin'
      and u.state = 'active'
      and u.id <> all ($2::uuid[])
    )
    from unnest($1::uuid[]) as touched (id)
    """)
}

extension WriteSet {
  /// Workspaces with a seat limit in which users may take seats: they are created, or were disabled or may be in this batch.
  func limitedWorkspaces(in set: WorkingSet) -> Set<WorkspaceID> {
    var limited = limitingSeats
    for workspace in seating where set.workspaces[workspace]?.settings.seats != nil {
      let mayTakeSeat =
        enrolling.contains(workspace) || disabling.contains(workspace)
        || set.users.values.contains { $0.key.workspace == workspace && $0.state == .disabled }
      if mayTakeSeat { limited.insert(workspace) }
    }
    return limited
  }

  /// Workspaces in which active admins may lose the role or their access, or invited ones become active.
  ///
  /// - Parameter reassigned: Users whose `userName` may be given to another person.
  func workspacesOfAdmins(in set: WorkingSet, reassigned: Set<ResourceKey>) -> Set<WorkspaceID> {
    var workspaces: Set<WorkspaceID> = []
    for user in set.users.values where user.isAdmin {
      switch user.state {
      case .active: if rewritten.contains(user.key) || reassigned.contains(user.key) { workspaces.insert(user.key.workspace) }
      case .invited: workspaces.insert(user.key.workspace)
      case .disabled: break
      }
    }
    return workspaces
  }
}
