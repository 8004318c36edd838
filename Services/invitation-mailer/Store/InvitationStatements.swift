import Postgres

/// The SQL statements of ``InvitationStore``.
enum InvitationStatements {
  private static let columns = """
    select
      i.workspace_id, i.id, i.user_id, i.letter, i.attempts, i.first_tried_at, i.traceparent, u.email, u.given_name, u.display_name,
      u.language, w.version, w.templates, i.is_digest, i.digest_id
    """

  /// The invitations that have been due longest.
  ///
  /// Selects the few due invitations first, then each one's user and workspace by key. `offset 0` prevents the planner from flattening the
  /// subqueries: on tables that were never analysed it would read all users of a workspace for each invitation.
  static let due = Statement(
    "due invitations",
    """
    with due as materialized (
      select i.*
      from mailer.invitations i
      where i.next_attempt_at <= $1
        and exists (select from mailer.workspaces w where w.workspace_id = i.workspace_id)
      order by i.next_attempt_at
      limit $2::int8
    )
    \(columns)
    from due i
    cross join lateral (
      select * from mailer.users u where u.workspace_id = i.workspace_id and u.user_id = i.user_id offset 0
    ) u
    cross join lateral (
      select * from mailer.workspaces w where w.workspace_id = i.workspace_id offset 0
    ) w
    order by i.next_attempt_at
    """)

  /// The invitations that go into one mail to an administrator.
  static let digest = Statement(
    "invitations of a digest",
    """
    with together as materialized (
      select i.*
      from mailer.invitations i
      where i.workspace_id = $1 and i.is_digest and i.state = 'scheduled' and i.digest_id is not distinct from $2::uuid
      order by i.next_attempt_at, i.id
      limit $3::int8
    )
    \(columns)
    from together i
    join mailer.users u on u.workspace_id = i.workspace_id and u.user_id = i.user_id
    join mailer.workspaces w on w.workspace_id = i.workspace_id
    order by i.created_at, i.id
    """)

  /// Marks invitations as being sent.
  static let claim = Statement(
    "claim invitations",
    """
    update mailer.invitations i
    set
      state = 'sending',
      reason = case when i.letter = 0 then 'handed to the mail server' else 'reminder ' || i.letter || ' handed to the mail server' end,
      next_attempt_at = null,
      claimed_by = $5,
      digest_id = coalesce(i.digest_id, $4::uuid),
      changed_at = $3
    from unnest($1::uuid[], $2::uuid[]) as claimed (workspace_id, id)
    where i.workspace_id = claimed.workspace_id
      and i.id = claimed.id
      and i.state in ('scheduled', 'sent', 'delivered')
      and i.next_attempt_at is not null
    returning i.id
    """)

  /// Sets when invitations are due.
  static let postpone = Statement(
    "postpone invitations",
    """
    update mailer.invitations i
    set next_attempt_at = postponed.time
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as postponed (workspace_id, id, time)
    where i.workspace_id = postponed.workspace_id and i.id = postponed.id and i.next_attempt_at is not null
    """)

  /// Releases claims: of an instance if `$2`, else of all others from before `$4`.
  static let releaseClaims = Statement(
    "release claims",
    """
    update mailer.invitations
    set
      state = case when letter = 0 then 'scheduled' else 'sent' end,
      reason = 'the mailer ended while sending it; it may have been sent already and is sent again with the same Message-ID',
      next_attempt_at = $1,
      changed_at = $1
    where state = 'sending'
      and case when $2::bool then claimed_by = $3 else claimed_by <> $3 and changed_at < $4 end
    returning id
    """)

  /// Gives back claimed invitations.
  static let release = Statement(
    "release invitations",
    """
    update mailer.invitations i
    set
      state = case when letter = 0 then 'scheduled' else 'sent' end,
      reason = 'waiting for the mail server',
      next_attempt_at = $3,
      changed_at = $3
    from unnest($1::uuid[], $2::uuid[]) as released (workspace_id, id)
    where i.workspace_id = released.workspace_id and i.id = released.id and i.state = 'sending'
    """)

  /// Expires invitations whose lifetime is over.
  static let expire = Statement(
    "expire invitations",
    """
    update mailer.invitations i
    set state = 'expired', reason = 'nobody signed in before it expired', next_attempt_at = null, changed_at = $1
    from (
      select workspace_id, id
      from mailer.invitations
      where expires_at <= $1 and state in ('scheduled', 'sent', 'delivered')
      order by expires_at
      limit $2::int8
    ) gone
    where i.workspace_id = gone.workspace_id and i.id = gone.id and i.state in ('scheduled', 'sent', 'delivered')
    returning i.id
    """)

  /// Records the results of mails.
  static let record = Statement(
    "record mails",
    """
    update mailer.invitations i
    set
      state = case when i.state = 'sending' then o.state else i.state end,
      reason = case when i.state = 'sending' then o.reason else i.reason end,
      changed_at = case when i.state = 'sending' then $11::timestamptz else i.changed_at end,
      next_attempt_at = case when i.state = 'sending' then o.next_attempt_at else i.next_attempt_at end,
      -- No answer if the invitation was withdrawn in the meantime: the person may have been deleted.
      answer = case when i.state = 'sending' then o.answer end,
      letter = o.letter,
      attempts = o.attempts,
      first_tried_at = o.first_tried_at,
      sent_at = case when o.is_sent then coalesce(i.sent_at, $11) else i.sent_at end
    from unnest(
      $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int8[], $8::int8[], $9::timestamptz[], $10::bool[])
      as o (workspace_id, id, state, reason, answer, next_attempt_at, letter, attempts, first_tried_at, is_sent)
    where i.workspace_id = o.workspace_id and i.id = o.id
    """)

  /// The settings of a workspace.
  static let workspace = Statement(
    "workspace of invitations",
    """
    select settings::text
    from mailer.workspaces
    where workspace_id = $1
    """)

  /// The templates of a workspace.
  static let templates = Statement(
    "templates of a workspace",
    """
    select language, subject, text, html
    from mailer.templates
    where workspace_id = $1
    """)

  /// Counts invitations and notices that wait to be sent.
  static let pending = Statement(
    "pending invitations",
    """
    select
      (select count(*) from mailer.invitations where state in ('scheduled', 'sending'))
      + (select count(*) from mailer.notices where state in ('scheduled', 'sending'))
    """)

  /// Deletes old orders.
  static let deleteOrders = Statement(
    "delete orders",
    """
    delete from mailer.orders
    where carried_out_at < $1
    """)
}
