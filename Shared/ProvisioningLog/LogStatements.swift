import Postgres

/// The statements of ``LogRepository``. The first parameter is the workspace.
enum LogStatements {
  static let entries = Statement(
    "log entries",
    """
    select l.entry, coalesce(u.user_name, g.display_name)
    from (
      select workspace_id, id, resource_id, entry
      from identity_read.provisioning_log
      where workspace_id = $1
      and id >= $2
      and (not $3 or failed)
      and status between $4 and $5
      and ($6::text[] is null or name_key = any ($6) or resource_id = any ($7))
      order by id desc
      limit $8
    ) l
    left join identity_read.users u on u.workspace_id = l.workspace_id and u.id = l.resource_id
    left join identity_read.groups g on g.workspace_id = l.workspace_id and g.id = l.resource_id
    order by l.id desc
    """)

  static let entry = Statement(
    "log entry",
    """
    select entry
    from identity_read.provisioning_log
    where workspace_id = $1
    and id = $2
    """)

  static let subjects = Statement(
    "log subjects",
    """
    (
      select id
      from identity_read.users
      where workspace_id = $1
      and (user_name_key = $2 or (email_key = $2 and email_key is distinct from user_name_key))
      limit 20
    )
    union all
    (select id from identity_read.groups where workspace_id = $1 and display_name_key = $2)
    """)

  static let settings = Statement(
    "log workspace",
    """
    select settings::text
    from identity_read.workspaces
    where id = $1
    """)

  static let token = Statement(
    "log token",
    """
    select name, scopes, expires_at, revoked_at
    from identity_read.tokens
    where workspace_id = $1
    and id = $2
    """)

  static let resource = Statement(
    "log resource",
    """
    select
      exists (select from identity_read.users where workspace_id = $1 and id = $2)
        or exists (select from identity_read.groups where workspace_id = $1 and id = $2),
      (select deleted_at from identity_read.tombstones where workspace_id = $1 and id = $2)
    """)

  /// Selects the user that has a name, or the former name of a deleted user.
  static let userNameOwner = Statement(
    "log user holder",
    """
    select u.id, u.user_name, u.external_id, u.state
    from identity_read.users u
    where u.workspace_id = $1
    and u.id is distinct from $3::uuid
    and (
      u.user_name_key = $2
      or u.user_name_hash = (select t.user_name_hash from identity_read.tombstones t where t.workspace_id = $1 and t.id = $3)
      or u.id = (
        select f.id
        from identity_read.former_name_hashes f
        where f.workspace_id = $1
        and f.former_name_hash = (select t.user_name_hash from identity_read.tombstones t where t.workspace_id = $1 and t.id = $3)
        limit 1
      )
    )
    order by u.user_name_key = $2 desc nulls last
    limit 1
    """)

  static let groupNameOwner = Statement(
    "log group holder",
    """
    select g.id, g.display_name, g.external_id, null::text
    from identity_read.groups g
    where g.workspace_id = $1
    and g.display_name_key = $2
    and g.id is distinct from $3::uuid
    order by g.id
    limit 1
    """)

  /// Selects which ids belong to users, without a time, or to deleted users, with the time of deletion.
  static let members = Statement(
    "log members",
    """
    select id, null::timestamptz from identity_read.users where workspace_id = $1 and id = any ($2)
    union all
    select id, deleted_at from identity_read.tombstones where workspace_id = $1 and id = any ($2)
    """)
}
