import Postgres

/// The set-based statements of a batch of events: one array a column. A row that is newer than the event stays as it is.
enum EventStatements {
  static let workspaceVersions = Statement(
    "workspace versions",
    """
    select workspace_id, version
    from mailer.workspaces
    where workspace_id = any ($1::uuid[])
    """)

  /// Locks the rows, in the one order that there is.
  static let userVersions = Statement(
    "user versions",
    """
    select u.workspace_id, u.user_id, u.version
    from mailer.users u
    join unnest($1::uuid[], $2::uuid[]) as wanted (workspace_id, user_id)
      on u.workspace_id = wanted.workspace_id and u.user_id = wanted.user_id
    order by u.workspace_id, u.user_id
    for update of u
    """)

  static let writeWorkspaces = Statement(
    "write workspaces",
    """
    insert into mailer.workspaces as w (workspace_id, name, sign_in_url, version)
    select *
    from unnest($1::uuid[], $2::text[], $3::text[], $4::int8[])
    on conflict (workspace_id) do update
    set name = excluded.name, sign_in_url = excluded.sign_in_url, version = excluded.version
    where w.version < excluded.version
    """)

  static let writeUsers = Statement(
    "write users",
    """
    insert into mailer.users as u (workspace_id, user_id, version, state, email, given_name, display_name, language)
    select *
    from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
    on conflict (workspace_id, user_id) do update
    set
      version = excluded.version,
      state = excluded.state,
      email = excluded.email,
      given_name = excluded.given_name,
      display_name = excluded.display_name,
      language = excluded.language
    where u.version < excluded.version
    """)

  static let insertInvitations = Statement(
    "insert invitations",
    """
    insert into mailer.invitations (
      workspace_id, user_id, id, user_version, state, answer, traceparent, next_attempt_at, created_at
    )
    select workspace_id, user_id, id, user_version, state, answer, traceparent, $8::timestamptz, $8::timestamptz
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::text[], $6::text[], $7::text[])
      as made (workspace_id, user_id, id, user_version, state, answer, traceparent)
    on conflict (workspace_id, id) do nothing
    """)

  static let cancelInvitations = Statement(
    "cancel invitations",
    """
    update mailer.invitations i
    set state = 'cancelled'
    from unnest($1::uuid[], $2::uuid[], $3::int8[]) as cancelled (workspace_id, user_id, version)
    where i.workspace_id = cancelled.workspace_id
      and i.user_id = cancelled.user_id
      and i.user_version <= cancelled.version
      and i.state = 'pending'
    """)

  /// A mail server's answer may name the address.
  static let forgetAnswers = Statement(
    "forget answers",
    """
    update mailer.invitations i
    set answer = null
    from unnest($1::uuid[], $2::uuid[]) as forgotten (workspace_id, user_id)
    where i.workspace_id = forgotten.workspace_id
      and i.user_id = forgotten.user_id
      and i.answer is not null
    """)
}
