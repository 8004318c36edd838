import Postgres

/// SQL statements for the export of a member; see ``MemberExport``. The stored documents are cast to `json`, not `jsonb`: they may contain
/// `\u0000`, which `jsonb` rejects.
enum MemberExportStatements {
  /// The number of rows that a page reads. Events and the audit trail are read in the order of the whole workspace, since no index has the member.
  private static let pageSize = 500
  private static let scannedPageSize = 5000

  /// The stored document of a user is open: two closing braces are missing.
  static let member = Statement(
    "export member",
    """
    select
      json_build_object(
        'id', id, 'userName', user_name, 'externalId', external_id, 'accountId', account_id, 'email', email, 'displayName', display_name,
        'givenName', given_name, 'familyName', family_name, 'language', language, 'state', state, 'role', role,
        'firstSignedInAt', first_signed_in_at, 'version', version, 'createdAt', created_at, 'modifiedAt', modified_at,
        'pushedOn', (select p.pushed_on from identity_read.pushes p where p.workspace_id = $1 and p.resource_id = $2 limit 1),
        'resource', (document || '}}')::json
      )::text,
      null::text
    from identity_read.users
    where workspace_id = $1
    and id = $2
    and $3::text is null
    union all
    select json_build_object('id', id, 'deletedAt', deleted_at)::text, null
    from identity_read.tombstones
    where workspace_id = $1
    and id = $2
    """)

  static let groups = Statement(
    "export groups of member",
    """
    select json_build_object('id', g.id, 'displayName', g.display_name, 'status', d.status)::text, null::text
    from identity_read.memberships m
    join identity_read.groups g on g.workspace_id = $1 and g.id = m.group_id
    left join directory_read.group_members d on d.workspace_id = $1 and d.group_id = m.group_id and d.member_id = $2
    where m.workspace_id = $1
    and m.user_id = $2
    and $3::text is null
    order by g.id
    """)

  static let account = Statement(
    "export account of member",
    """
    select
      json_build_object(
        'id', account_id, 'email', email, 'externalId', external_id, 'state', state, 'importedAt', imported_at
      )::text,
      null::text
    from identity_read.accounts
    where workspace_id = $1
    and user_id = $2
    and $3::text is null
    order by account_id
    """)

  static let directory = Statement(
    "export member of directory",
    """
    select
      json_build_object(
        'id', id, 'state', state, 'email', email, 'displayName', display_name, 'role', role, 'version', version,
        'document', document::json
      )::text,
      null::text
    from directory_read.members
    where workspace_id = $1
    and id = $2
    and $3::text is null
    """)

  static let heldChanges = Statement(
    "export held changes of member",
    """
    select
      json_build_object(
        'id', id, 'resource', resource_id, 'kind', kind, 'name', name, 'requestedBy', requested_by, 'heldAt', held_at, 'status', status,
        'decidedBy', decided_by, 'decidedAt', decided_at
      )::text,
      null::text
    from identity_read.held_changes
    where workspace_id = $1
    and (resource_id = $2 or $2 = any (leaving))
    and $3::text is null
    order by id
    """)

  static let invitations = Statement(
    "export invitations of member",
    """
    select
      json_build_object(
        'id', id, 'state', state, 'reason', reason, 'createdAt', created_at, 'changedAt', changed_at, 'sentAt', sent_at,
        'expiresAt', expires_at, 'reminder', letter, 'attempts', attempts, 'mailServerAnswer', answer, 'isDigest', is_digest
      )::text,
      null::text
    from mailer_read.invitations
    where workspace_id = $1
    and user_id = $2
    and $3::text is null
    order by id
    """)

  static let invitationStates = Statement(
    "export states of invitations",
    """
    select
      json_build_object('invitation', h.invitation_id, 'at', h.at, 'state', h.state, 'reason', h.reason)::text, null::text
    from mailer_read.invitations i
    join mailer_read.invitation_history h on h.workspace_id = $1 and h.invitation_id = i.id
    where i.workspace_id = $1
    and i.user_id = $2
    and $3::text is null
    order by h.invitation_id, h.id
    """)

  /// Sign-ins are stored by a hash of what names the person.
  static let signIns = Statement(
    "export sign-ins of member",
    """
    select json_build_object('by', k.name, 'signedInAt', s.signed_in_at)::text, null::text
    from identity_read.users u
    cross join lateral (
      values ('id', u.id::text), ('userName', u.user_name_key), ('email', u.email_key)
    ) k (name, value)
    join mailer_read.sign_ins s on s.workspace_id = $1 and s.key = mailer_read.sign_in_key($1, k.value)
    where u.workspace_id = $1
    and u.id = $2
    and $3::text is null
    order by k.name
    """)

  static let receipts = Statement(
    "export receipts of member",
    """
    select document::json::text, null::text
    from directory_read.receipts
    where workspace_id = $1
    and member_id = $2
    and $3::text is null
    order by id
    """)

  /// Requests that name the user by id, and those that name the present userName, such as rejected creations.
  static let requests = Statement(
    "export requests about member",
    """
    select entry::json::text, id::text
    from (
      (
        select id, entry
        from identity_read.provisioning_log
        where workspace_id = $1
        and resource_id = $2
        and id > coalesce($3::text::uuid, '00000000-0000-0000-0000-000000000000')
        order by id
        limit \(pageSize)
      )
      union
      (
        select id, entry
        from identity_read.provisioning_log
        where workspace_id = $1
        and name_key = (select user_name_key from identity_read.users where workspace_id = $1 and id = $2)
        and resource_id is distinct from $2
        and id > coalesce($3::text::uuid, '00000000-0000-0000-0000-000000000000')
        order by id
        limit \(pageSize)
      )
    ) found
    order by id
    limit \(pageSize)
    """)

  static let events = Statement(
    "export events of member",
    """
    with scanned as materialized (
      select sequence, id, type, stored_at, data
      from directory_read.events
      where workspace_id = $1
      and sequence > coalesce($3::text::bigint, 0)
      order by sequence
      limit \(scannedPageSize)
    )
    select line, place
    from (
      select
        sequence,
        json_build_object('id', id, 'type', type, 'sequence', sequence, 'time', stored_at, 'data', data::json)::text as line,
        null::text as place
      from scanned
      where data::json -> 'member' ->> 'id' = $2::text
      union all
      select max(sequence), null, max(sequence)::text
      from scanned
      having count(*) > 0
    ) found
    order by sequence, place nulls first
    """)

  /// The entries whose target or changes name the user by id, and what the person did in the console.
  static let audit = Statement(
    "export audit trail of member",
    """
    with person as (
      select user_name, email
      from identity_read.users
      where workspace_id = $1
      and id = $2
    ),
    scanned as materialized (
      select command_id, at, actor, action, target, summary, status, detail
      from identity_read.audit
      where workspace_id = $1
      and command_id > coalesce($3::text::uuid, '00000000-0000-0000-0000-000000000000')
      order by command_id
      limit \(scannedPageSize)
    )
    select line, place
    from (
      select
        command_id,
        json_build_object(
          'id', command_id, 'at', at, 'actor', actor, 'action', action, 'target', target, 'changes', summary, 'status', status,
          'detail', detail
        )::text as line,
        null::text as place
      from scanned
      where position($2::text in target) > 0
      or position($2::text in summary) > 0
      or actor in (select 'console:' || name from person cross join lateral (values (user_name), (email)) n (name))
      union all
      (select s.command_id, null, s.command_id::text from scanned s order by s.command_id desc limit 1)
    ) found
    order by command_id, place nulls first
    """)
}
