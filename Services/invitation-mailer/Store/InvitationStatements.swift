import Models
import Postgres

/// The SQL statements of ``InvitationStore``.
enum InvitationStatements {
  private static let columns = """
    select
      i.workspace_id, i.id, i.user_id, i.letter, i.attempts, i.first_tried_at, i.traceparent, u.email, u.given_name, u.display_name,
      u.language, w.version, w.templates, i.is_digest, i.digest_id, i.next_attempt_at,
      i.created_at
    """

  /// The invitations that have been due longest, and the next one that will be due or expires.
  ///
  /// Selects the few due invitations first, then each one's user and workspace by key. `offset 0` prevents the planner from flattening the
  /// subqueries: on tables that were never analysed it would read all users of a workspace for each invitation.
  static let due = Statement(
    "due invitations",
    """
    with due as materialized (
      (
        select i.*
        from mailer.invitations i
        where i.next_attempt_at <= $1
          and i.state in ('scheduled', 'sent', 'delivered')
          and (i.expires_at is null or i.expires_at > $1)
          and exists (select from mailer.workspaces w where w.workspace_id = i.workspace_id)
        order by i.next_attempt_at
        limit $2::int8
      )
      union all
      (
        select i.*
        from mailer.invitations i
        where i.next_attempt_at > $1
        order by i.next_attempt_at
        limit 1
      )
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
      from (
        select * from mailer.invitations where workspace_id = $1 and is_digest and digest_id = $2::uuid and state = 'scheduled'
        union all
        select * from mailer.invitations
        where $2::uuid is null and workspace_id = $1 and is_digest and digest_id is null and state = 'scheduled'
      ) i
      order by i.next_attempt_at, i.id
      limit $3::int8
    )
    \(columns)
    from together i
    join mailer.users u on u.workspace_id = i.workspace_id and u.user_id = i.user_id
    join mailer.workspaces w on w.workspace_id = i.workspace_id
    order by i.created_at, i.id
    """)

  /// Marks invitations as being sent. No indexed column changes, except for a digest.
  static let claim = Statement(
    "claim invitations",
    """
    update mailer.invitations i
    set
      state = 'sending',
      reason = case when i.letter = 0 then 'handed to the mail server' else 'reminder ' || i.letter || ' handed to the mail server' end,
      claimed_by = $5,
      digest_id = coalesce(i.digest_id, $4::uuid),
      changed_at = $3
    from unnest($1::uuid[], $2::uuid[]) as claimed (workspace_id, id)
    where i.workspace_id = claimed.workspace_id
      and i.id = claimed.id
      and i.state in ('scheduled', 'sent', 'delivered')
      -- With "is not null", the planner may read the whole index of due mails.
      and num_nonnulls(i.next_attempt_at) = 1
    returning i.id
    """)

  /// Sets when invitations are due.
  static let postpone = Statement(
    "postpone invitations",
    """
    update mailer.invitations i
    set next_attempt_at = least(postponed.time, i.expires_at)
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as postponed (workspace_id, id, time)
    where i.workspace_id = postponed.workspace_id
      and i.id = postponed.id
      and num_nonnulls(i.next_attempt_at) = 1
      and i.state <> 'sending'
    """)

  /// Releases claims whose mails may have been sent: of an instance if `$2`, else of all others from before `$4`. Returns the invitations with
  /// the time of their claim.
  ///
  /// A mail was due when it was claimed, so claims are near the front of the index of due mails. The clock of the claiming replica may be ahead.
  static let releaseClaims = Statement(
    "release claims",
    """
    update mailer.invitations i
    set
      state = case when i.letter = 0 then 'scheduled' else 'sent' end,
      reason = 'the mailer ended while sending it; it may have been sent already and is sent again with the same Message-ID',
      next_attempt_at = $1,
      changed_at = $1
    from (
      select workspace_id, id, changed_at
      from mailer.invitations
      where next_attempt_at <= $1::timestamptz + interval '10 minutes'
        and state = 'sending'
        and case when $2::bool then claimed_by = $3 else claimed_by <> $3 and changed_at < $4 end
      for update
    ) claim
    where i.workspace_id = claim.workspace_id and i.id = claim.id
    returning \(StateChange.columns), claim.changed_at
    """)

  /// Gives back claimed invitations that were not tried.
  static let release = Statement(
    "release invitations",
    """
    update mailer.invitations i
    set
      state = case when i.letter = 0 then 'scheduled' else 'sent' end,
      reason = 'waiting for the mail server',
      changed_at = $4
    from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as released (workspace_id, id, claimed_at)
    where i.workspace_id = released.workspace_id
      and i.id = released.id
      and i.state = 'sending'
      and i.changed_at = released.claimed_at
    """)

  /// Expires invitations whose lifetime is over, and returns them.
  static let expire = Statement(
    "expire invitations",
    """
    update mailer.invitations i
    set state = 'expired', reason = 'nobody signed in before it expired', next_attempt_at = null, changed_at = $1
    from (
      select workspace_id, id
      from mailer.invitations
      where next_attempt_at <= $1 and expires_at <= $1 and state in ('scheduled', 'sent', 'delivered')
      order by next_attempt_at
      limit $2::int8
    ) gone
    where i.workspace_id = gone.workspace_id and i.id = gone.id and i.state in ('scheduled', 'sent', 'delivered')
    returning \(StateChange.columns)
    """)

  /// Records the results of mails, with history and events. Returns the id of each event's outbox row, and the id of the event.
  ///
  /// An invitation that was withdrawn in the meantime keeps its state, and has no event.
  static let record = Statement(
    "record mails",
    """
    with recorded as (
      update mailer.invitations i
      set
        state = case when i.state = 'sending' then o.state else i.state end,
        reason = case when i.state = 'sending' then o.reason else i.reason end,
        changed_at = case when i.state = 'sending' then $11::timestamptz else i.changed_at end,
        next_attempt_at = case
          when i.state <> 'sending' then i.next_attempt_at
          when o.state in ('scheduled', 'sent') then least(o.next_attempt_at, i.expires_at)
        end,
        -- No answer if the invitation was withdrawn in the meantime: the person may have been deleted.
        answer = case when i.state = 'sending' then o.answer end,
        letter = o.letter,
        attempts = o.attempts,
        first_tried_at = o.first_tried_at,
        sent_at = case when o.is_sent then coalesce(i.sent_at, $11) else i.sent_at end
      from unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::int8[], $8::int8[], $9::timestamptz[], $10::bool[],
        $12::bytea[], $13::text[], $14::bytea[])
        with ordinality as o (
          workspace_id, id, state, reason, answer, next_attempt_at, letter, attempts, first_tried_at, is_sent, key, headers, payload, position)
      where i.workspace_id = o.workspace_id and i.id = o.id
      returning
        i.workspace_id, i.id, i.state, i.reason, i.changed_at, i.changed_at = $11 as is_changed, o.key, o.headers, o.payload, o.position
    ), history as (
      insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
      select workspace_id, id, changed_at, state, reason
      from recorded
      where is_changed
      order by position
    )
    insert into mailer.outbox (topic, key, headers, payload)
    select '\(Topic.invitationEvents.name)', key, headers::text[], payload
    from recorded
    where is_changed
    order by position
    returning id, headers[4]
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

  /// Counts invitations and notices that are due or being sent, with the time since which the one that waits longest is due. `$1` is the
  /// present time. A claimed notice is not waiting.
  static let pending = Statement(
    "pending invitations",
    """
    select coalesce(sum(waiting), 0)::int8, min(since)
    from (
      select count(*) as waiting, min(next_attempt_at) as since
      from mailer.invitations
      where next_attempt_at <= $1 and (expires_at is null or next_attempt_at < expires_at)
      union all
      select count(*), min(next_attempt_at)
      from mailer.notices
      where next_attempt_at <= $1 or state = 'sending'
      union all
      select count(*), min(next_attempt_at)
      from mailer.alerts
      where next_attempt_at <= $1 or state = 'sending'
    ) mails
    """)

  /// Deletes old orders.
  static let deleteOrders = Statement(
    "delete orders",
    """
    delete from mailer.orders
    where carried_out_at < $1
    """)
}
