import Postgres

/// The set-based statements that write a batch. Each column is an array parameter.
enum WriteStatements {
  static let members = Statement(
    "write members",
    """
    insert into directory.members (workspace_id, id, state, email, display_name, role, version)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[])
    on conflict (workspace_id, id) do update
    set
      state = excluded.state,
      email = excluded.email,
      display_name = excluded.display_name,
      role = excluded.role,
      version = excluded.version
    """)

  static let groups = Statement(
    "write groups",
    """
    insert into directory.groups (workspace_id, id, display_name, version, part, complete, restated_through)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int8[], $5::int8[], $6::bool[], $7::uuid[])
    on conflict (workspace_id, id) do update
    set
      display_name = excluded.display_name,
      version = excluded.version,
      part = excluded.part,
      complete = excluded.complete,
      restated_through = excluded.restated_through
    """)

  static let insertReceipts = Statement(
    "insert receipts",
    """
    insert into directory.receipts (workspace_id, id, member_id, reason, revoked_at, document)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[])
    on conflict do nothing
    """)

  static let insertSigningKey = Statement(
    "insert signing key",
    """
    insert into directory.signing_keys (id, jwk)
    values ($1, $2)
    on conflict do nothing
    """)

  static let insertMemberships = Statement(
    "insert memberships",
    """
    insert into directory.memberships (workspace_id, group_id, member_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    on conflict do nothing
    """)

  static let deleteMemberships = Statement(
    "delete memberships",
    """
    delete from directory.memberships m
    using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as gone (workspace_id, group_id, member_id)
    where m.workspace_id = gone.workspace_id and m.group_id = gone.group_id and m.member_id = gone.member_id
    """)
}
