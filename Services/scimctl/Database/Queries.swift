import Postgres

/// What scimctl reads, through the views that are open to readers.
enum Queries {
  static let workspaceBySlug = Statement(
    "workspace by slug",
    """
    select id, settings::text, version
    from identity_read.workspaces
    where slug = $1
    """)

  static let workspaces = Statement(
    "workspaces",
    """
    select slug, id, settings::text
    from identity_read.workspaces
    order by slug
    """)

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
    order by t.id
    """)

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

  static let tokenUses = Statement(
    "token uses",
    """
    select day::text, address, uses, last_used_at
    from identity_read.token_uses
    where workspace_id = $1
    and token_id = $2
    order by day desc, last_used_at desc
    """)

  /// Those that are good: sessions end with the token that they were opened with.
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

  /// How many users have which role.
  static let usersByRole = Statement(
    "users by role",
    """
    select role, count(*)
    from identity_read.users
    where workspace_id = $1
    group by role
    """)

  static let users = Statement(
    "users",
    """
    select user_name, state, role, email, id
    from identity_read.users
    where workspace_id = $1
    and ($2::text is null or state = $2)
    order by user_name_key
    limit $3::int8
    """)

  static let groups = Statement(
    "groups",
    """
    select
      g.display_name, g.id, count(m.member_id) filter (where m.status = 'visible'),
      count(m.member_id) filter (where m.status = 'pending'), count(m.member_id) filter (where m.status = 'held')
    from directory_read.groups g
    left join directory_read.group_members m on m.workspace_id = g.workspace_id and m.group_id = g.id
    where g.workspace_id = $1
    group by g.display_name, g.id
    order by lower(g.display_name), g.id
    """)

  /// By the comparison key of the group's name, which several may have, or its id. A group without members still is a row, with nulls.
  static let groupMembers = Statement(
    "group members",
    """
    select coalesce(m.email, m.member_id::text), m.status, m.waits_for, g.id
    from identity_read.groups p
    join directory_read.groups g on g.workspace_id = p.workspace_id and g.id = p.id
    left join directory_read.group_members m
      on m.workspace_id = g.workspace_id and m.group_id = g.id and ($3::text is null or m.status = $3)
    where p.workspace_id = $1
    and (p.display_name_key = $2 or p.id = $4::uuid)
    order by 1
    """)

  static let pushedGroup = Statement(
    "pushed group",
    """
    select id
    from identity_read.groups
    where workspace_id = $1
    and (display_name_key = $2 or id = $3::uuid)
    """)

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

  static let auditRow = Statement(
    "audit row",
    """
    select command_id, at, actor, action, target, summary, status::int8, detail
    from identity_read.audit
    where workspace_id = $1
    and command_id = $2
    """)

  // Ids from one to another, for beginnings of ids.

  static let logEntryIDs = ids(of: "log entries", in: "identity_read.provisioning_log", column: "id")
  static let auditIDs = ids(of: "audit rows", in: "identity_read.audit", column: "command_id")
  static let heldChangeIDs = ids(of: "held changes", in: "identity_read.held_changes", column: "id")
  static let receiptIDs = ids(of: "receipts", in: "directory_read.receipts", column: "id")
  static let invitationIDs = ids(of: "invitations", in: "mailer_read.invitations", column: "id")

  private static func ids(of what: String, in view: String, column: String) -> Statement {
    Statement(
      "ids of \(what)",
      """
      select \(column)
      from \(view)
      where workspace_id = $1
      and \(column) between $2 and $3
      order by \(column)
      limit $4::int8
      """)
  }

  static let recordedReply = Statement(
    "recorded reply",
    """
    select attributes, data
    from identity_read.replies
    where workspace_id = $1
    and command_id = $2
    """)
}
