import Postgres

/// The statements of the sending loop.
enum InvitationStatements {
  // First the few that are due, then each one's user and workspace by key (`offset 0` keeps the planner to that): on a table that was never
  // analysed it would rather read all the users of a workspace for each invitation.
  static let due = Statement(
    "due invitations",
    """
    with due as materialized (
      select i.*
      from mailer.invitations i
      where i.state = 'pending'
        and i.next_attempt_at <= $1
        and exists (select from mailer.workspaces w where w.workspace_id = i.workspace_id)
      order by i.next_attempt_at
      limit $2::int8
    )
    select
      i.workspace_id, i.id, i.user_id, i.attempts, i.created_at, i.traceparent, u.email, u.given_name, u.display_name, u.language, w.name,
      w.sign_in_url
    from due i
    cross join lateral (
      select * from mailer.users u where u.workspace_id = i.workspace_id and u.user_id = i.user_id offset 0
    ) u
    cross join lateral (
      select * from mailer.workspaces w where w.workspace_id = i.workspace_id offset 0
    ) w
    order by i.next_attempt_at
    """)

  static let recordSent = Statement(
    "record sent invitation",
    """
    update mailer.invitations
    set
      state = 'sent',
      sent_at = $3,
      attempts = attempts + 1,
      -- No answer where it was cancelled meanwhile: the person may have been deleted.
      answer = case when state = 'pending' then $4 end
    where workspace_id = $1 and id = $2
    """)

  static let recordFailed = Statement(
    "record failed invitation",
    """
    update mailer.invitations
    set state = 'failed', attempts = attempts + 1, answer = $3
    where workspace_id = $1 and id = $2 and state = 'pending'
    """)

  static let postpone = Statement(
    "postpone invitation",
    """
    update mailer.invitations
    set next_attempt_at = $3, answer = $4, attempts = attempts + $5::int8
    where workspace_id = $1 and id = $2 and state = 'pending'
    """)

  static let pending = Statement(
    "pending invitations",
    """
    select count(*)
    from mailer.invitations
    where state = 'pending'
    """)
}
