import Foundation
import Models
import Postgres

extension ChangeWriter {
  /// The statements that record the day of the last push of each user and group. A row is written at most once a day.
  func pushSteps(for state: WorkingSet, at now: Date) -> [(Statement, [PostgresValue])] {
    let changes = state.changes
    var steps: [(Statement, [PostgresValue])] = []
    // Identity providers need not push disabled users again, so their last push is not tracked.
    let disabled = changes.updatedUsers.filter { state.users[$0]?.state == .disabled }.sorted()
    if !disabled.isEmpty { steps.append((Self.deletePushes, disabled.columns)) }
    for type in [Tombstone.ResourceType.user, .group] {
      let pushed = changes.pushes.filter { key in
        type == .user ? state.users[key].map { $0.state != .disabled } ?? false : state.groups[key] != nil
      }.sorted()
      if !pushed.isEmpty { steps.append((Self.upsertPushes, pushed.columns + [.text(type.rawValue), .timestamp(now)])) }
    }
    return steps
  }

  // Skips rows that were already written today, since an update without a change would still lock and write the row.
  private static let upsertPushes = Statement(
    "note pushes",
    """
    insert into identity.pushes (workspace_id, resource_id, type, pushed_on)
    select pushed.workspace_id, pushed.id, $3, ($4::timestamptz at time zone 'UTC')::date
    from unnest($1::uuid[], $2::uuid[]) as pushed (workspace_id, id)
    where not exists (
      select from identity.pushes p
      where p.workspace_id = pushed.workspace_id
      and p.resource_id = pushed.id
      and p.pushed_on >= ($4::timestamptz at time zone 'UTC')::date
    )
    on conflict (workspace_id, resource_id) do update
    set pushed_on = excluded.pushed_on
    """)

  private static let deletePushes = Statement(
    "forget pushes",
    """
    delete from identity.pushes p
    using unnest($1::uuid[], $2::uuid[]) as disabled (workspace_id, id)
    where p.workspace_id = disabled.workspace_id and p.resource_id = disabled.id
    """)
}
