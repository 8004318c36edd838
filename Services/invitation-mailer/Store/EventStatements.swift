import Postgres

/// The set-based SQL statements of a batch of events, with one array per column. Rows newer than the event are not changed.
enum EventStatements {
  /// Loads what a batch depends on, as rows of several kinds, and locks the users, always in the same order.
  ///
  /// Settings are null if the workspace has the version that the caller knows.
  static let load = Statement(
    "load mailer state",
    """
    with locked as (
      select u.workspace_id, u.user_id, u.version, u.state, u.email
      from unnest($4::uuid[], $5::uuid[]) as wanted (workspace_id, user_id)
      join mailer.users u on u.workspace_id = wanted.workspace_id and u.user_id = wanted.user_id
      order by u.workspace_id, u.user_id
      for update of u
    )
    select
      'workspace', w.workspace_id, null::uuid, null::bytea, w.version, w.templates,
      case when w.version = known.version and w.templates = known.templates then null else w.settings::text end, null::timestamptz, null::bool
    from unnest($1::uuid[], $2::int8[], $3::int8[]) as known (workspace_id, version, templates)
    join mailer.workspaces w on w.workspace_id = known.workspace_id
    union all
    select
      'user', u.workspace_id, u.user_id, null, u.version, null, case when u.state = 'invited' then u.email end, null,
      u.state = 'invited'
    from locked u
    union all
    select 'invited', u.workspace_id, u.user_id, null, null, null, null, null, null
    from locked u
    where exists (select from mailer.invitations i where i.workspace_id = u.workspace_id and i.user_id = u.user_id)
    union all
    select 'order', o.workspace_id, o.id, null, null, null, null, null, null
    from unnest($6::uuid[], $7::uuid[]) as wanted (workspace_id, id)
    join mailer.orders o on o.workspace_id = wanted.workspace_id and o.id = wanted.id
    union all
    select 'sign-in', s.workspace_id, null, s.key, null, null, null, s.signed_in_at, null
    from unnest($8::uuid[], $9::bytea[]) as wanted (workspace_id, key)
    join mailer.skipped_sign_ins s on s.workspace_id = wanted.workspace_id and s.key = wanted.key
    union all
    select 'origin', null, null, null, null, null, null, begun_at, null
    from mailer.origin
    where $10
    """)

  /// Inserts or updates workspaces.
  static let writeWorkspaces = Statement(
    "write workspaces",
    """
    insert into mailer.workspaces as w (workspace_id, settings, version)
    select workspace_id, settings::jsonb, version
    from unnest($1::uuid[], $2::text[], $3::int8[]) as written (workspace_id, settings, version)
    on conflict (workspace_id) do update
    set
      settings = excluded.settings,
      version = excluded.version,
      -- Invalidates cached settings that were corrected under the same version.
      templates = w.templates + (w.version = excluded.version)::int
    where w.version < excluded.version
      or w.version = excluded.version and w.settings is distinct from excluded.settings
    """)

  /// Plans invitations that waited for their workspace, according to its policy. Returns them.
  static let plan = Statement(
    "plan invitations",
    """
    update mailer.invitations i
    set
      state = $2,
      reason = $3,
      next_attempt_at = case
        when $2 = 'scheduled' then least(created_at + make_interval(secs => $4), created_at + make_interval(secs => $6::float8))
      end,
      is_digest = $5,
      expires_at = created_at + make_interval(secs => $6::float8),
      is_planned = true,
      changed_at = $7
    where i.workspace_id = $1 and not i.is_planned and i.state = 'scheduled'
    returning \(StateChange.columns)
    """)

  /// Cancels mails that the changed policy excludes: invitations if the workspace sends no invitations, and reminders beyond the limit.
  /// Returns both.
  static let restrict = Statement(
    "restrict invitations",
    """
    update mailer.invitations i
    set
      state = case when i.letter = 0 then 'revoked' else i.state end,
      reason = case when i.letter = 0 then $4 else i.reason end,
      changed_at = case when i.letter = 0 then $5::timestamptz else i.changed_at end,
      next_attempt_at = case when i.letter = 0 then null else i.expires_at end
    where i.workspace_id = $1
      and i.next_attempt_at is not null
      and case
        when i.letter = 0 then i.state = 'scheduled' and $2::bool
        else i.state in ('sent', 'delivered') and i.next_attempt_at is distinct from i.expires_at and i.letter > $3::int8
      end
    returning \(StateChange.columns)
    """)

  /// Redirects unsent invitations according to the changed policy: to the people, or to the administrator.
  static let redirect = Statement(
    "redirect invitations",
    """
    update mailer.invitations i
    set
      is_digest = $2,
      digest_id = null,
      next_attempt_at = least(greatest(i.created_at + make_interval(secs => $3), $4::timestamptz), i.expires_at)
    where i.workspace_id = $1
      and i.is_planned
      and i.state = 'scheduled'
      and i.letter = 0
      and i.attempts = 0
      and i.next_attempt_at is not null
      and i.is_digest <> $2
    """)

  /// Workspaces with unplanned invitations: another replica stored the invitations while the workspace was stored.
  static let unplanned = Statement(
    "unplanned invitations",
    """
    select distinct w.workspace_id, w.settings::text
    from mailer.invitations i
    join mailer.workspaces w on w.workspace_id = i.workspace_id
    where not i.is_planned and i.state = 'scheduled'
    """)

  /// Inserts or updates users.
  static let writeUsers = Statement(
    "write users",
    """
    insert into mailer.users as u (
      workspace_id, user_id, version, state, email, given_name, display_name, language, name_key, email_key
    )
    select *
    from unnest(
      $1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bytea[], $10::bytea[])
    on conflict (workspace_id, user_id) do update
    set
      version = excluded.version,
      state = excluded.state,
      email = excluded.email,
      given_name = excluded.given_name,
      display_name = excluded.display_name,
      language = excluded.language,
      name_key = excluded.name_key,
      email_key = excluded.email_key
    where u.version < excluded.version
      or u.version = excluded.version
        and (u.state, u.email, u.given_name, u.display_name, u.language, u.name_key, u.email_key) is distinct from (
          excluded.state, excluded.email, excluded.given_name, excluded.display_name, excluded.language, excluded.name_key,
          excluded.email_key)
    """)

  /// Inserts invitations, and returns which; a redelivered event changes nothing.
  static let insertInvitations = Statement(
    "insert invitations",
    """
    insert into mailer.invitations (
      workspace_id, user_id, id, user_version, state, reason, traceparent, next_attempt_at, expires_at, is_digest, is_planned, created_at,
      changed_at, claimed_by
    )
    select
      workspace_id, user_id, id, version, state, reason, traceparent, least(due_at, expires_at), expires_at, is_digest, is_planned,
      coalesce(since, $13), $13::timestamptz, case when state = 'sending' then $14::text end
    from unnest(
      $1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[], $10::bool[],
      $11::bool[], $12::timestamptz[])
      as made (workspace_id, user_id, id, version, state, reason, traceparent, due_at, expires_at, is_digest, is_planned, since)
    on conflict (workspace_id, id) do nothing
    returning id
    """)

  /// Ends invitations, and returns them. A sign-in also accepts expired and failed ones; otherwise only invitations that are still open are revoked.
  static let withdraw = Statement(
    "withdraw invitations",
    """
    update mailer.invitations i
    set state = w.state, reason = w.reason, changed_at = $7, next_attempt_at = null
    from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::uuid[], $5::text[], $6::text[])
      as w (workspace_id, user_id, version, spared, state, reason)
    where i.workspace_id = w.workspace_id
      and i.user_id = w.user_id
      and i.user_version <= w.version
      and i.id is distinct from w.spared
      and (
        i.state in ('scheduled', 'sending', 'sent', 'delivered', 'bounced')
        or w.state = 'accepted' and i.state in ('expired', 'failed'))
    returning \(StateChange.columns)
    """)

  /// Erases the mail servers' answers about deleted users, which may contain the address.
  static let eraseAnswers = Statement(
    "erase answers",
    """
    update mailer.invitations i
    set answer = null, reason = case when state in ('bounced', 'failed', 'sent', 'delivered') then '' else reason end
    from unnest($1::uuid[], $2::uuid[]) as forgotten (workspace_id, user_id)
    where i.workspace_id = forgotten.workspace_id
      and i.user_id = forgotten.user_id
    """)

  /// Erases the same answers from the history.
  static let eraseHistory = Statement(
    "erase history",
    """
    update mailer.invitation_history h
    set reason = ''
    from unnest($1::uuid[], $2::uuid[]) as forgotten (workspace_id, user_id)
    join mailer.invitations i on i.workspace_id = forgotten.workspace_id and i.user_id = forgotten.user_id
    where h.workspace_id = i.workspace_id
      and h.invitation_id = i.id
      and (h.state in ('sent', 'delivered', 'bounced', 'failed') or h.reason like 'tried again: %')
      and h.reason not like 'the mailer ended %'
    """)

  /// Remembers executed orders.
  static let insertOrders = Statement(
    "insert orders",
    """
    insert into mailer.orders (workspace_id, id, carried_out_at)
    select workspace_id, id, $3
    from unnest($1::uuid[], $2::uuid[]) as given (workspace_id, id)
    on conflict do nothing
    """)

  /// Inserts or updates a template.
  static let writeTemplate = Statement(
    "write template",
    """
    insert into mailer.templates as t (workspace_id, language, subject, text, html, changed_at)
    values ($1, $2, $3, $4, $5, $6)
    on conflict (workspace_id, language) do update
    set subject = excluded.subject, text = excluded.text, html = excluded.html, changed_at = excluded.changed_at
    """)

  /// Deletes a template.
  static let deleteTemplate = Statement(
    "delete template",
    """
    delete from mailer.templates
    where workspace_id = $1 and language = $2
    """)

  /// Increases the version of a workspace's templates.
  static let countTemplates = Statement(
    "count templates",
    """
    update mailer.workspaces
    set templates = templates + 1
    where workspace_id = $1
    """)

  /// Applies bounce and delivery reports. A bounced invitation can still be accepted. A report that names only an address applies to the
  /// latest invitation to it.
  static let report = Statement(
    "report mails",
    """
    with reported as (
      select r.workspace_id, r.event, r.reason, coalesce(
        r.invitation_id,
        (
          select i.id
          from mailer.users u
          join mailer.invitations i on i.workspace_id = u.workspace_id and i.user_id = u.user_id
          where u.workspace_id = r.workspace_id and u.email_key in (r.email_key, r.former_key)
          order by i.created_at desc
          limit 1
        )) as id
      from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::text[], $7::bytea[])
        as r (workspace_id, invitation_id, email_key, event, reason, former_key)
    ), latest as (
      select distinct on (workspace_id, id) * from reported where id is not null
    )
    update mailer.invitations i
    set
      state = l.event,
      reason = l.reason,
      changed_at = $6,
      next_attempt_at = case when l.event = 'bounced' then null else i.next_attempt_at end
    from latest l
    where i.workspace_id = l.workspace_id
      and i.id = l.id
      and i.sent_at is not null
      and (l.event = 'bounced' and i.state in ('sending', 'sent', 'delivered') or l.event = 'delivered' and i.state = 'sent')
    returning \(StateChange.columns)
    """)
}
