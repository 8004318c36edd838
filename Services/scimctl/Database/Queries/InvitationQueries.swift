import Postgres

/// Statements that read invitations.
///
/// Addresses come from identity-store's views, because the mailer keeps them only as long as it needs them.
enum InvitationQueries {
  /// The columns of an invitation `i` and of its user `u`.
  private static let columns = """
    i.id, i.state, i.reason, i.created_at, i.changed_at, i.sent_at, i.next_attempt_at, i.expires_at, i.attempts, i.answer, i.user_id,
    u.user_name, u.email
    """

  /// Invitations of workspace `$1` in state `$2` (null: any), the latest change first, at most `$3`.
  static let list = Statement(
    "invitations",
    """
    select \(columns)
    from mailer_read.invitations i
    left join identity_read.users u on u.workspace_id = i.workspace_id and u.id = i.user_id
    where i.workspace_id = $1
    and ($2::text is null or i.state = $2)
    order by i.changed_at desc, i.id
    limit $3::int8
    """)

  /// Invited users of workspace `$1` who have no invitation, the latest first, at most `$2`.
  static let missing = Statement(
    "missing invitations",
    """
    select u.id, u.user_name, u.email, u.created_at
    from identity_read.users u
    where u.workspace_id = $1
    and u.state = 'invited'
    and not exists (select from mailer_read.invitations i where i.workspace_id = u.workspace_id and i.user_id = u.id)
    order by u.created_at desc, u.id
    limit $2::int8
    """)

  /// When the mailer's database was created.
  static let origin = Statement("origin of the mailer's database", "select begun_at from mailer_read.origin")

  /// The invitation with id `$2`, or the invitations of user `$3`, the latest first, at most `$4`.
  static let details = Statement(
    "invitation",
    """
    select \(columns)
    from mailer_read.invitations i
    left join identity_read.users u on u.workspace_id = i.workspace_id and u.id = i.user_id
    where i.workspace_id = $1
    and (i.id = $2::uuid or i.user_id = $3::uuid)
    order by i.created_at desc, i.id
    limit $4::int8
    """)

  /// The state changes of invitation `$2`, the earliest first.
  static let history = Statement(
    "history of an invitation",
    """
    select at, state, reason
    from mailer_read.invitation_history
    where workspace_id = $1
    and invitation_id = $2
    order by id
    """)

  /// Up to two users with id `$2`, or with the comparison key `$3` of their userName or address.
  static let user = Statement(
    "user",
    """
    select user_name, state, role, email, id, display_name
    from identity_read.users
    where workspace_id = $1
    and (id = $2::uuid or user_name_key = $3 or (email_key = $3 and email_key is distinct from user_name_key))
    order by id
    limit 2
    """)

  /// The invitation templates of workspace `$1`.
  static let templates = Statement(
    "templates",
    """
    select language, subject, text, html, changed_at
    from mailer_read.templates
    where workspace_id = $1
    order by language
    """)
}
