import Foundation
import Models
import Postgres

extension LoadStatements {
  /// The current held changes of resources.
  static func heldChanges(of resources: Set<ResourceKey>) -> Load {
    Load(statement: heldChangeStatement, parameters: resources.sorted().columns) { row, set in
      guard let kind = HeldChangeKind(rawValue: try row.string(3)), let status = HeldChangeRecord.Status(rawValue: try row.string(10))
      else { return }
      set.load(
        HeldChangeRecord(
          id: HeldChangeID(try row.uuid(1)),
          resource: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(2))),
          kind: kind, name: try row.optionalString(4), members: try row.optionalInt(5), leaving: try row.uuidArray(6).map { UserID($0) },
          document: try row.optionalBytes(13), requestedBy: try row.string(7), heldAt: try row.timestamp(8),
          lastSentAt: try row.timestamp(9), status: status,
          decidedBy: try row.optionalString(11), decidedAt: try row.optionalTimestamp(12)))
    }
  }

  private static let heldChangeStatement = Statement(
    "load held changes",
    """
    select
      workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, decided_by, decided_at,
      document
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, resource_id)
    join identity.held_changes h using (workspace_id, resource_id)
    where h.standing
    """)

  /// The number of recent deactivations in workspaces with a limit.
  ///
  /// The workspaces are locked first, so that concurrent batches count the deactivations of each other. These are the last locks of a batch.
  static func recentDeactivations(_ workspaces: Set<WorkspaceID>) -> [Load] {
    let ids = PostgresValue.uuidArray(workspaces.sorted().map(\.uuid))
    return [
      Load(statement: lockDeactivations, parameters: [ids]) { _, _ in },
      Load(statement: deactivationStatement, parameters: [ids, .double(ChangeGuard.window)]) { row, set in
        set.loadDeactivations(Int(try row.int(1)), in: WorkspaceID(try row.uuid(0)))
      },
    ]
  }

  // Two-key advisory locks are distinct from the single-key locks of names. group-sync uses 1 as the first key.
  private static let lockDeactivations = Statement(
    "lock deactivations",
    """
    select pg_advisory_xact_lock(2, uuid_hash(id))
    from (
      select id
      from identity.workspaces
      where id = any ($1) and settings #>> '{changeGuard,maximumDeactivations}' is not null
      order by id
    ) as counting
    """)

  private static let deactivationStatement = Statement(
    "load deactivations",
    """
    select workspace_id, count(*)
    from identity.deactivations
    where workspace_id = any ($1) and happened_at > now() - make_interval(secs => $2)
    group by workspace_id
    """)
}
