import Postgres

/// The SQL statements for mails to administrators about single events.
enum AlertStatements {
  /// Schedules alerts; a redelivered event changes nothing.
  static let insert = Statement(
    "insert alerts",
    """
    insert into mailer.alerts (workspace_id, id, kind, details, state, next_attempt_at, made_at, changed_at)
    select workspace_id, id, kind, details, 'scheduled', $5::timestamptz, $5::timestamptz, $5::timestamptz
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as alerts (workspace_id, id, kind, details)
    on conflict (workspace_id, id) do nothing
    """)

  /// Claims the alert that has been due longest. The whole deployment has no settings.
  static let claim = Statement(
    "claim alert",
    """
    update mailer.alerts a
    set state = 'sending', next_attempt_at = null, claimed_by = $2, changed_at = $1
    from (
      select d.workspace_id, d.id, w.version, w.templates
      from mailer.alerts d
      left join mailer.workspaces w on w.workspace_id = d.workspace_id
      where d.next_attempt_at <= $1
      order by d.next_attempt_at
      limit 1
    ) due
    where a.workspace_id = due.workspace_id and a.id = due.id and a.state = 'scheduled'
    returning a.workspace_id, a.id, a.attempts, a.first_tried_at, coalesce(due.version, -1), coalesce(due.templates, -1), a.kind, a.details
    """)

  /// Records a result.
  static let record = Statement(
    "record alert",
    """
    update mailer.alerts a
    set
      state = $3,
      next_attempt_at = $4,
      attempts = $5,
      first_tried_at = $6,
      answer = $7,
      changed_at = $8,
      sent_at = case when $3 = 'sent' then $8 else a.sent_at end
    where a.workspace_id = $1 and a.id = $2
    """)

  /// Gives back a claimed alert.
  static let release = Statement(
    "release alert",
    """
    update mailer.alerts
    set state = 'scheduled', next_attempt_at = $3, changed_at = $3
    where workspace_id = $1 and id = $2 and state = 'sending'
    """)
}
