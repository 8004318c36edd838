import Postgres

/// The SQL statements of ``NoticeStore``, and those that store held changes. ``AlertStatements`` has those for single events.
enum NoticeStatements {
  /// Stores held changes; a redelivered event changes nothing.
  static let insertChanges = Statement(
    "insert held changes",
    """
    insert into mailer.held_changes (workspace_id, id, kind, resource_id, name, leaving, members, held_at, noted_at)
    select workspace_id, id, kind, resource_id, name, leaving, nullif(members, -1), held_at, $9::timestamptz
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::int8[], $7::int8[], $8::timestamptz[])
      as held (workspace_id, id, kind, resource_id, name, leaving, members, held_at)
    on conflict (workspace_id, id) do nothing
    """)

  /// Erases the names of deleted users.
  static let eraseNames = Statement(
    "erase names of held changes",
    """
    update mailer.held_changes h
    set name = null
    from unnest($1::uuid[], $2::uuid[]) as forgotten (workspace_id, user_id)
    where h.workspace_id = forgotten.workspace_id and h.resource_id = forgotten.user_id
    """)

  /// Creates one mail per workspace whose oldest unmailed change has waited for the collection period, unless a mail is on its way or was
  /// sent recently.
  static let create = Statement(
    "create notices",
    """
    with pending as (
      select h.workspace_id
      from mailer.held_changes h
      where h.notice_id is null
        and exists (select from mailer.workspaces w where w.workspace_id = h.workspace_id)
        and not exists (
          select
          from mailer.notices n
          where n.workspace_id = h.workspace_id
            and (n.state in ('scheduled', 'sending') or coalesce(n.sent_at, n.made_at) > $3))
      group by h.workspace_id
      having min(h.noted_at) <= $2
    ), made as (
      insert into mailer.notices (workspace_id, id, state, next_attempt_at, made_at, changed_at)
      select workspace_id, gen_random_uuid(), 'scheduled', $1, $1, $1
      from pending
      returning workspace_id, id
    )
    update mailer.held_changes h
    set notice_id = m.id
    from made m
    where h.workspace_id = m.workspace_id and h.notice_id is null
    """)

  /// Claims the notice that has been due longest.
  static let claim = Statement(
    "claim notice",
    """
    update mailer.notices n
    set state = 'sending', next_attempt_at = null, claimed_by = $2, changed_at = $1
    from (
      select d.workspace_id, d.id, w.version, w.templates
      from mailer.notices d
      join mailer.workspaces w on w.workspace_id = d.workspace_id
      where d.next_attempt_at <= $1
      order by d.next_attempt_at
      limit 1
    ) due
    where n.workspace_id = due.workspace_id and n.id = due.id and n.state = 'scheduled'
    returning n.workspace_id, n.id, n.attempts, n.first_tried_at, due.version, due.templates
    """)

  /// Counts the groups, the people who would lose their access, and the other people in a mail.
  static let counts = Statement(
    "counts of a notice",
    """
    select
      count(*) filter (where kind in ('members-removed', 'group-deleted')),
      count(*) filter (where kind in ('user-disabled', 'user-deleted')),
      count(*) filter (where kind not in ('members-removed', 'group-deleted', 'user-disabled', 'user-deleted'))
    from mailer.held_changes
    where workspace_id = $1 and notice_id = $2
    """)

  /// The oldest changes of groups, of people who would lose their access, and of other people, a limited number of each.
  static let changes = Statement(
    "changes of a notice",
    """
    select id, kind, name, leaving, members, held_at
    from (
      select h.*, row_number() over (partition by h.section order by h.held_at, h.id) as number
      from (
        select
          *,
          case
            when kind in ('members-removed', 'group-deleted') then 1
            when kind in ('user-disabled', 'user-deleted') then 2
            else 3
          end as section
        from mailer.held_changes
        where workspace_id = $1 and notice_id = $2
      ) h
    ) numbered
    where number <= $3
    order by section, number
    """)

  /// Records a result, and erases names if there is no further attempt.
  static let record = Statement(
    "record notice",
    """
    with recorded as (
      update mailer.notices n
      set
        state = $3,
        next_attempt_at = $4,
        attempts = $5,
        first_tried_at = $6,
        answer = $7,
        changed_at = $8,
        sent_at = case when $3 = 'sent' then $8 else n.sent_at end
      where n.workspace_id = $1 and n.id = $2
    )
    update mailer.held_changes
    set name = null
    where $4::timestamptz is null and workspace_id = $1 and notice_id = $2 and name is not null
    """)

  /// Releases claims of notices and alerts: of an instance if `$2`, else of all others from before `$4`.
  static let releaseClaims = Statement(
    "release notice claims",
    """
    with alerts as (
      update mailer.alerts
      set state = 'scheduled', next_attempt_at = $1, changed_at = $1
      where state = 'sending'
        and case when $2::bool then claimed_by = $3 else claimed_by <> $3 and changed_at < $4 end
      returning id
    ), notices as (
      update mailer.notices
      set state = 'scheduled', next_attempt_at = $1, changed_at = $1
      where state = 'sending'
        and case when $2::bool then claimed_by = $3 else claimed_by <> $3 and changed_at < $4 end
      returning id
    )
    select id from alerts
    union all
    select id from notices
    """)

  /// Gives back a claimed notice.
  static let release = Statement(
    "release notice",
    """
    update mailer.notices
    set state = 'scheduled', next_attempt_at = $3, changed_at = $3
    where workspace_id = $1 and id = $2 and state = 'sending'
    """)

  /// The limit is longer than the retention of events, so that no redelivered event creates a notice again.
  static let deleteOld = Statement(
    "delete old notices",
    """
    with gone as (
      delete from mailer.held_changes
      where noted_at < $1 and notice_id is not null
    ), alerts as (
      delete from mailer.alerts
      where made_at < $1 and state in ('sent', 'bounced', 'failed')
    )
    delete from mailer.notices n
    where n.made_at < $1 and n.state in ('sent', 'bounced', 'failed')
    """)
}
