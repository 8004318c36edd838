import Postgres

/// Statements that read the audit trail.
enum AuditQueries {
  /// Entries of workspace `$1`, the latest first, by actor, action, time, outcome and limit.
  static let audit = Statement(
    "audit",
    """
    select command_id, at, actor, action, target, summary, status::int8, detail
    from identity_read.audit
    where workspace_id = $1
    and ($2::text is null or actor = $2)
    and ($3::text is null or action = $3)
    and at >= $4
    and (not $5 or status is not null)
    order by command_id desc
    limit $6
    """)

  /// The entry of command `$2` of workspace `$1`.
  static let auditRow = Statement(
    "audit row",
    """
    select command_id, at, actor, action, target, summary, status::int8, detail
    from identity_read.audit
    where workspace_id = $1
    and command_id = $2
    """)
}
