import Postgres
import SCIMStorage

/// SQL statements for the export of a workspace; see ``WorkspaceExport``. Parameters: workspace, place. Columns: the data of a record as JSON, and
/// the place of the next page.
enum WorkspaceExportStatements {
  private static let pageSize = 1000

  /// A time in RFC 3339, rounded to milliseconds like `Timestamp`.
  private static func time(_ column: String) -> String {
    "to_char((\(column) + interval '500 microseconds') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
  }

  static let workspace = Statement(
    "export workspace",
    """
    select
      json_build_object(
        'id', id, 'settings', (settings::jsonb - 'deletion'), 'createdAt', \(time("created_at")), 'modifiedAt', \(time("modified_at"))
      )::text,
      null::text
    from identity_read.workspaces
    where id = $1
    and $2::text = ''
    """)

  /// The stored document of a user is open: two closing braces are missing.
  static let users = Statement(
    "export users of workspace",
    """
    select
      json_build_object(
        'id', id, 'state', state, 'role', role, 'firstSignedInAt', \(time("first_signed_in_at")), 'accountId', account_id,
        'version', version, 'createdAt', \(time("created_at")), 'modifiedAt', \(time("modified_at")), 'resource', (document || '}}')::json
      )::text,
      id::text
    from identity_read.users
    where workspace_id = $1
    and id > $2::text::uuid
    order by id
    limit \(pageSize)
    """)

  static let groups = Statement(
    "export groups of workspace",
    """
    select
      json_build_object(
        'id', id, 'version', version, 'createdAt', \(time("created_at")), 'modifiedAt', \(time("modified_at")),
        'resource', (document || '}}')::json
      )::text,
      id::text
    from identity_read.groups
    where workspace_id = $1
    and id > $2::text::uuid
    order by id
    limit \(pageSize)
    """)

  /// A deletion by another process may have left rows without a user or group.
  static let members = Statement(
    "export members of workspace",
    """
    with page as materialized (
      select m.group_id, m.user_id
      from identity_read.memberships m
      join identity_read.groups g on g.workspace_id = $1 and g.id = m.group_id
      join identity_read.users u on u.workspace_id = $1 and u.id = m.user_id
      where m.workspace_id = $1
      and (m.group_id, m.user_id) > (split_part($2::text, ' ', 1)::uuid, split_part($2::text, ' ', 2)::uuid)
      order by m.group_id, m.user_id
      limit \(WorkspaceRecordLine.MembersContent.maximumCount)
    )
    select
      json_build_object('group', group_id, 'members', json_agg(user_id order by user_id))::text,
      group_id || ' ' || (array_agg(user_id order by user_id desc))[1]
    from page
    group by group_id
    order by group_id
    """)

  static let accounts = Statement(
    "export accounts of workspace",
    """
    select
      json_build_object(
        'id', account_id, 'email', email, 'externalId', external_id, 'state', state, 'user', user_id,
        'importedAt', \(time("imported_at"))
      )::text,
      account_id
    from identity_read.accounts
    where workspace_id = $1
    and account_id > $2::text collate "C"
    order by account_id
    limit \(pageSize)
    """)

  static let templates = Statement(
    "export templates of workspace",
    """
    select json_build_object('language', language, 'subject', subject, 'text', text, 'html', html)::text, language
    from mailer_read.templates
    where workspace_id = $1
    and language collate "C" > $2::text collate "C"
    order by language collate "C"
    limit \(pageSize)
    """)

  static let webhooks = Statement(
    "export webhooks of workspace",
    """
    select json_build_object('id', id, 'url', url, 'description', description, 'types', types)::text, id::text
    from identity_read.webhook_endpoints
    where workspace_id = $1
    and id > $2::text::uuid
    order by id
    limit \(pageSize)
    """)
}
