import Postgres

/// Statements that read tokens, OAuth clients and console sessions.
enum TokenQueries {
  /// Tokens of workspace `$1` and kind `$2`, with the time of the last use.
  static let tokens = Statement(
    "tokens",
    """
    select t.id, t.name, t.scopes, t.created_at, t.expires_at, t.revoked_at, (
      select max(u.last_used_at)
      from identity_read.token_uses u
      where u.workspace_id = t.workspace_id and u.token_id = t.id
    )
    from identity_read.tokens t
    where t.workspace_id = $1
    and t.kind = $2
    order by t.created_at, t.id
    """)

  /// All columns of token `$2` of workspace `$1`, with the tokens that replaced it.
  static let token = Statement(
    "token",
    """
    select t.name, t.scopes, t.created_at, t.created_by, t.expires_at, t.revoked_at, t.predecessor_id, array(
      select s.id::text
      from identity_read.tokens s
      where s.workspace_id = t.workspace_id and s.predecessor_id = t.id
      order by s.id
    ), t.former_until
    from identity_read.tokens t
    where t.workspace_id = $1
    and t.id = $2
    and t.kind = $3
    """)

  /// Uses of token `$2` of workspace `$1` by day and address, the latest first.
  static let tokenUses = Statement(
    "token uses",
    """
    select day::text, address, uses, last_used_at
    from identity_read.token_uses
    where workspace_id = $1
    and token_id = $2
    order by day desc, last_used_at desc
    """)

  /// Valid console sessions of workspace `$1`. A session ends with the token that opened it.
  static let sessions = Statement(
    "sessions",
    """
    select t.id, t.name, t.created_at, t.expires_at, o.kind || ' ' || o.name
    from identity_read.tokens t
    left join identity_read.tokens o on o.workspace_id = t.workspace_id and o.id = t.opened_with
    where t.workspace_id = $1
    and t.kind = 'session'
    and t.revoked_at is null
    and t.expires_at > now()
    and (o.kind is distinct from 'token' or (o.revoked_at is null and (o.expires_at is null or o.expires_at > now())))
    order by t.id
    """)
}
