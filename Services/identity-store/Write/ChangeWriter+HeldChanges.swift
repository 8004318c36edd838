import Foundation
import Models
import Postgres

extension ChangeWriter {
  /// The statements for held changes, and for the counts of deactivations and departures.
  func heldChangeSteps(_ changes: WorkingSet.Changes, at now: Date) -> [(Statement, [PostgresValue])] {
    var steps: [(Statement, [PostgresValue])] = []
    let written = changes.writtenHeldChanges.values.sorted { $0.key < $1.key }
    // Write superseded changes first: a resource has at most one current held change.
    for isCurrent in [false, true] {
      let part = written.filter { $0.isCurrent == isCurrent }
      if !part.isEmpty { steps.append((Self.writeHeldChanges, columns(part))) }
    }
    if !changes.deletedUsers.isEmpty { steps.append((Self.removeNames, changes.deletedUsers.sorted().columns)) }
    let deactivated = changes.deactivations.sorted()
    if !deactivated.isEmpty { steps.append((Self.insertDeactivations, deactivated.columns + [.timestamp(now)])) }
    let departed = changes.departures.sorted { $0.key < $1.key }
    if !departed.isEmpty {
      let counts: [PostgresValue] = [
        .intArray(departed.map { Int64($0.value.count) }), .intArray(departed.map { Int64($0.value.members) }),
      ]
      steps.append((Self.insertDepartures, departed.map(\.key).columns + counts + [.timestamp(now)]))
    }
    return steps
  }

  private func columns(_ changes: [HeldChangeRecord]) -> [PostgresValue] {
    let leaving = changes.map { PostgresValue.arrayLiteral($0.leaving.map(\.description)) }
    let values: [PostgresValue] = [
      .uuidArray(changes.map(\.resource.id.uuid)),
      .textArray(changes.map(\.kind.rawValue)),
      .textArray(changes.map(\.name)),
      .textArray(changes.map { $0.members?.description }),
      .textArray(leaving),
      .textArray(changes.map(\.requestedBy)),
      .timestampArray(changes.map(\.heldAt)),
      .timestampArray(changes.map(\.lastSentAt)),
      .textArray(changes.map(\.status.rawValue)),
      .textArray(changes.map(\.decidedBy)),
      .timestampArray(changes.map(\.decidedAt)),
      .boolArray(changes.map(\.isCurrent)),
      .textArray(changes.map { change in change.isCurrent ? change.document.map { String(decoding: $0, as: UTF8.self) } : nil }),
    ]
    return changes.map(\.key).columns + values
  }

  private static let writeHeldChanges = Statement(
    "write held changes",
    """
    insert into identity.held_changes (
      workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, decided_by, decided_at, standing,
      document
    )
    select
      workspace_id, id, resource_id, kind, name, members::int8, leaving::uuid[], requested_by, held_at, asked_at, status, decided_by,
      decided_at, standing, document
    from unnest(
      $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
      $10::timestamptz[], $11::text[], $12::text[], $13::timestamptz[], $14::bool[], $15::text[]
    ) as written (
      workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, decided_by, decided_at, standing,
      document
    )
    on conflict (workspace_id, id) do update
    set
      kind = excluded.kind,
      leaving = excluded.leaving,
      asked_at = excluded.asked_at,
      status = excluded.status,
      decided_by = excluded.decided_by,
      decided_at = excluded.decided_at,
      standing = excluded.standing,
      document = excluded.document
    """)

  /// Removes the names and addresses of deleted users from held changes.
  private static let removeNames = Statement(
    "forget names of held changes",
    """
    update identity.held_changes h
    set name = null, document = null
    from unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, id)
    where h.workspace_id = gone.workspace_id and h.resource_id = gone.id and h.name is not null
    """)

  // Each statement also deletes the counts that are older than an hour, longer than the window of the change guard.
  private static let insertDeactivations = Statement(
    "insert deactivations",
    """
    with deactivated as (
      select workspace_id, id from unnest($1::uuid[], $2::uuid[]) as deactivated (workspace_id, id)
    ), past as (
      delete from identity.deactivations d
      using (select distinct workspace_id from deactivated) as w
      where d.workspace_id = w.workspace_id and d.happened_at < $3::timestamptz - interval '1 hour'
    )
    insert into identity.deactivations (workspace_id, happened_at, user_id)
    select workspace_id, $3, id from deactivated
    on conflict do nothing
    """)

  private static let insertDepartures = Statement(
    "insert departures",
    """
    with departed as (
      select workspace_id, group_id, departed, members
      from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[]) as departed (workspace_id, group_id, departed, members)
    ), past as (
      delete from identity.departures d
      using (select distinct workspace_id from departed) as w
      where d.workspace_id = w.workspace_id and d.happened_at < $5::timestamptz - interval '1 hour'
    )
    insert into identity.departures as d (workspace_id, group_id, happened_at, departed, members)
    select workspace_id, group_id, $5, departed, members from departed
    on conflict (workspace_id, group_id, happened_at) do update
    set departed = d.departed + excluded.departed
    """)
}
