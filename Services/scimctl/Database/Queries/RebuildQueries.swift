import Postgres

/// Statements that find what `scimctl rebuild` publishes again: all resources in the store, deleted ones, and those that only the directory
/// has.
enum RebuildQueries {
  /// The first `$3` ids of users after `$2`.
  static let users = ids("users", "members", type: "User")

  /// The first `$3` ids of groups after `$2`.
  static let groups = ids("groups", "groups", type: "Group")

  private static func ids(_ stored: String, _ kept: String, type: String) -> Statement {
    Statement(
      "\(stored) to restate",
      """
      select id
      from (
        (select id from identity_read.\(stored) where workspace_id = $1 and id > $2 order by id limit $3::int8)
        union
        (select id from identity_read.tombstones where workspace_id = $1 and id > $2 and type = '\(type)' order by id limit $3::int8)
        union
        (select id from directory_read.\(kept) where workspace_id = $1 and id > $2 order by id limit $3::int8)
      ) as ids
      order by id
      limit $3::int8
      """)
  }

  /// For each of the groups `$2` that has members: their number, and every `$3`th member.
  static let cuts = Statement(
    "cuts of groups",
    """
    select group_id, count(*), coalesce(array_agg(user_id order by user_id) filter (where number % $3::int8 = 0), '{}')
    from (
      select group_id, user_id, row_number() over (partition by group_id order by user_id) as number
      from identity_read.memberships
      where workspace_id = $1
      and group_id = any ($2::uuid[])
    ) as numbered
    group by group_id
    """)

  /// The approximate numbers of users and groups.
  static let totals = Statement(
    "totals",
    """
    select coalesce(sum(total) filter (where type = 'User'), 0)::int8, coalesce(sum(total) filter (where type = 'Group'), 0)::int8
    from identity_read.totals
    where workspace_id = $1
    """)

  /// The number of events that wait to be published.
  static let waitingEvents = Statement("waiting events", "select count::int8 from identity_read.waiting_events")
}
