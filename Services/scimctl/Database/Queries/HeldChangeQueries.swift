import Postgres

/// Statements for held changes.
enum HeldChangeQueries {
  /// Held changes of workspace `$1`, only the pending ones if `$2`, only the one with id `$3` unless null.
  static let list = Statement(
    "held changes",
    """
    select
      id, resource_id, kind, name, members, cardinality(leaving), requested_by, held_at, asked_at, status, decided_by, decided_at
    from identity_read.held_changes
    where workspace_id = $1
    and (status = 'pending' or not $2::bool)
    and ($3::uuid is null or id = $3)
    order by id
    """)

  /// The mail to the administrator about held change `$2`.
  static let notice = Statement(
    "notice about a held change",
    """
    select state, changed_at, answer
    from mailer_read.held_changes
    where workspace_id = $1
    and id = $2
    """)

  /// The user names of the members that held change `$2` would remove.
  static let leavingMembers = Statement(
    "leaving members of a held change",
    """
    select coalesce(u.user_name, member::text)
    from identity_read.held_changes h
    cross join unnest(h.leaving) as member
    left join identity_read.users u on u.workspace_id = h.workspace_id and u.id = member
    where h.workspace_id = $1
    and h.id = $2
    order by 1
    """)
}
