import Foundation
import Models
import Postgres

extension ChangeWriter {
  /// The statements for pushes of users and groups that are not written otherwise, and for users who are disabled.
  func pushSteps(for state: WorkingSet) -> [(Statement, [PostgresValue])] {
    let changes = state.changes
    var steps: [(Statement, [PostgresValue])] = []
    let disabled = changes.updatedUsers.filter { state.users[$0]?.state == .disabled }.sorted()
    if !disabled.isEmpty { steps.append((Self.deletePushes, disabled.columns)) }
    let users = changes.pushes.subtracting(changes.insertedUsers).subtracting(changes.updatedUsers).filter {
      state.users[$0].map { $0.state != .disabled } ?? false
    }
    if !users.isEmpty { steps.append((Self.upsertUserPushes, pushColumns(users))) }
    let groups = changes.pushes.subtracting(changes.insertedGroups).subtracting(changes.updatedGroups).filter { state.groups[$0] != nil }
    if !groups.isEmpty { steps.append((Self.upsertGroupPushes, pushColumns(groups))) }
    return steps
  }

  private func pushColumns(_ pushed: Set<ResourceKey>) -> [PostgresValue] {
    pushed.sorted().columns + [.boolArray(pushed.map { _ in true })]
  }

  private static let upsertUserPushes = Statement("note pushes of users", WriteStatements.upsertPushes(of: .user, flags: 3))
  private static let upsertGroupPushes = Statement("note pushes of groups", WriteStatements.upsertPushes(of: .group, flags: 3))

  private static let deletePushes = Statement(
    "forget pushes",
    """
    delete from identity.pushes p
    using unnest($1::uuid[], $2::uuid[]) as disabled (workspace_id, id)
    where p.workspace_id = disabled.workspace_id and p.resource_id = disabled.id
    """)
}

extension WriteStatements {
  /// Records the day of the last push of users or groups. A row is written at most once a day.
  ///
  /// - Parameter flags: The number of the parameter that says for each of the resources in `$1` and `$2` whether it was pushed.
  static func upsertPushes(of type: Tombstone.ResourceType, flags: Int) -> String {
    // Skips rows that were already written today, since an update without a change would still lock and write the row.
    """
    insert into identity.pushes (workspace_id, resource_id, type, pushed_on)
    select pushed.workspace_id, pushed.id, '\(type.rawValue)', (now() at time zone 'UTC')::date
    from unnest($1::uuid[], $2::uuid[], $\(flags)::bool[]) as pushed (workspace_id, id, is_pushed)
    where pushed.is_pushed
    and not exists (
      select from identity.pushes p
      where p.workspace_id = pushed.workspace_id
      and p.resource_id = pushed.id
      and p.pushed_on >= (now() at time zone 'UTC')::date
    )
    on conflict (workspace_id, resource_id) do update
    set pushed_on = excluded.pushed_on
    """
  }
}
