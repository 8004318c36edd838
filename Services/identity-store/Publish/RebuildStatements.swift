import Foundation
import Models
import Postgres

/// The statements of rebuilds.
enum RebuildStatements {
  /// Stores a request, unless the same workspace has an unfinished one. Deletes old ones of the workspace.
  static let request = Statement(
    "request rebuild",
    """
    with former as (
      delete from identity.rebuilds
      where only_workspace_id = $6
      and finished_at < $5::timestamptz - interval '30 days'
    )
    insert into identity.rebuilds (id, consumer, reason, invitations, requested_at, only_workspace_id)
    values ($1, $2, $3, $4, $5, $6)
    on conflict do nothing
    """)

  static func parameters(of rebuild: Rebuild, id: CommandID, at time: Date) -> [PostgresValue] {
    [
      .uuid(id.uuid), .text(rebuild.consumer), .text(String(rebuild.reason.prefix(4000))), .text(rebuild.invitations.rawValue),
      .timestamp(time), .optional(rebuild.workspace?.uuid, PostgresValue.uuid),
    ]
  }

  /// Claims the oldest unfinished rebuild, unless another process works on one.
  static let claim = Statement(
    "claim rebuild",
    """
    update identity.rebuilds
    set claimed_by = $1, claimed_until = now() + make_interval(secs => $2)
    where id = (
      select id
      from identity.rebuilds
      where finished_at is null
      and (claimed_until is null or claimed_until < now() or claimed_by = $1)
      order by requested_at
      limit 1
      for update skip locked
    )
    and not exists (select from identity.rebuilds other where other.claimed_by <> $1 and other.claimed_until >= now() and other.finished_at is null)
    returning id, invitations, workspace_id, stage, after_id, only_workspace_id
    """)

  /// Renews the claim and stores the position. Returns no row if another process has taken over.
  static let advance = Statement(
    "advance rebuild",
    """
    update identity.rebuilds
    set
      claimed_until = now() + make_interval(secs => $3),
      workspace_id = $4,
      stage = $5,
      after_id = $6,
      finished_at = case when $7 then now() end
    where id = $1
    and claimed_by = $2
    and finished_at is null
    returning id
    """)

  static let nextWorkspace = Statement(
    "next workspace to publish again",
    """
    select id
    from identity.workspaces
    where id > $1
    and ($2::uuid is null or id = $2)
    and not coalesce(settings -> 'deletion' ? 'finishedAt', false)
    order by id
    limit 1
    """)

  static let users = ids("users", type: "User")
  static let groups = ids("groups", type: "Group")

  /// The first `$3` ids after `$2`, of existing and of deleted resources.
  private static func ids(_ table: String, type: String) -> Statement {
    Statement(
      "\(table) to publish again",
      """
      select id
      from (
        (select id from identity.\(table) where workspace_id = $1 and id > $2 order by id limit $3::int8)
        union
        (select id from identity.tombstones where workspace_id = $1 and id > $2 and type = '\(type)' order by id limit $3::int8)
      ) as ids
      order by id
      limit $3::int8
      """)
  }

  /// The number of members of each group, and every `$3`th member id.
  static let cuts = Statement(
    "cuts of groups to publish again",
    """
    select group_id, count(*), coalesce(array_agg(user_id order by user_id) filter (where number % $3::int8 = 0), '{}')
    from (
      select group_id, user_id, row_number() over (partition by group_id order by user_id) as number
      from identity.memberships
      where workspace_id = $1
      and group_id = any ($2::uuid[])
    ) as numbered
    group by group_id
    """)

  static let answered = Statement(
    "answered restatements",
    """
    select count(*)
    from identity.replies
    where workspace_id = $1
    and command_id = any ($2::uuid[])
    """)

  /// The number of events in the outbox, counted up to `$1`.
  static let waitingEvents = Statement(
    "waiting events", "select count(*) from (select 1 from identity.outbox limit $1::int8) as waiting")
}
