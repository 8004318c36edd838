import Postgres

/// The set-based statements that write a batch. Each column is an array parameter.
enum WriteStatements {
  static let writeWorkspaces = Statement(
    "write workspaces",
    """
    insert into identity.workspaces (id, slug, settings, version, created_at, modified_at)
    select id, slug, settings::jsonb, version, created_at, modified_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::int8[], $5::timestamptz[], $6::timestamptz[])
      as written (id, slug, settings, version, created_at, modified_at)
    on conflict (id) do update
    set slug = excluded.slug, settings = excluded.settings, version = excluded.version, modified_at = excluded.modified_at
    """)

  static let writeToken = Statement(
    "write token",
    """
    insert into identity.tokens (
      workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, revoked_at, kind, predecessor_id, former_digest,
      former_until, opened_with
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict (workspace_id, id) do update
    set
      digest = excluded.digest,
      expires_at = excluded.expires_at,
      revoked_at = excluded.revoked_at,
      former_digest = excluded.former_digest,
      former_until = excluded.former_until
    """)

  /// Runs before ``insertDomains``, since another workspace of the batch may take over a domain.
  static let deleteDomains = Statement(
    "delete domains",
    """
    delete from identity.domains d
    where d.workspace_id = any ($1)
    and not exists (
      select from unnest($2::uuid[], $3::text[]) as kept (workspace_id, domain)
      where kept.workspace_id = d.workspace_id and kept.domain = d.domain
    )
    """)

  static let insertDomains = Statement(
    "insert domains",
    """
    insert into identity.domains (workspace_id, domain)
    select wanted.workspace_id, wanted.domain
    from unnest($1::uuid[], $2::text[]) as wanted (workspace_id, domain)
    where not exists (
      select from identity.domains d
      where d.domain = wanted.domain and d.workspace_id = wanted.workspace_id
    )
    """)

  static let countDomainChange = Statement(
    "count domain change",
    """
    update identity.domain_changes set version = version + 1
    """)

  static let countTokenUses = Statement(
    "count token uses",
    """
    insert into identity.token_uses as u (workspace_id, token_id, day, address, uses, last_used_at)
    select workspace_id, token_id, day::date, address, uses, last_used_at
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int8[], $6::timestamptz[])
      as counted (workspace_id, token_id, day, address, uses, last_used_at)
    on conflict (workspace_id, token_id, day, address) do update
    set uses = u.uses + excluded.uses, last_used_at = greatest(u.last_used_at, excluded.last_used_at)
    """)

  /// Deletes use counts older than 90 days, for the tokens that this batch uses.
  static let deleteOldTokenUses = Statement(
    "forget token uses",
    """
    delete from identity.token_uses u
    using (select distinct workspace_id, id from unnest($1::uuid[], $2::uuid[]) as used (workspace_id, id)) used
    where u.workspace_id = used.workspace_id
    and u.token_id = used.id
    and u.day < (now() at time zone 'UTC')::date - 90
    """)

  private static let userArrays = """
    unnest(
      $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
      $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::int8[], $17::timestamptz[], $18::timestamptz[],
      $19::text[], $20::text[], $21::bytea[], $22::text[], $23::text[], $24::text[], $26::text[]
    ) as written (
      workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key,
      language, state, role, first_signed_in_at, version, created_at, modified_at, document, other_email_keys, former_name_hash,
      display_name_key, name_key, family_name_key, account_id
    )
    """

  static let insertUsers = Statement(
    "insert users",
    """
    with pushed as (
      \(upsertPushes(of: .user, flags: 25))
    )
    insert into identity.users (
      workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key,
      language, state, role, first_signed_in_at, version, created_at, modified_at, document, other_email_keys, former_name_hash,
      display_name_key, name_key, family_name_key, account_id, keyed_version
    )
    select
      workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key,
      language, state, role, first_signed_in_at, version, created_at, modified_at, document, other_email_keys::text[],
      former_name_hash, display_name_key, name_key, family_name_key, account_id, version
    from \(userArrays)
    """)

  static let updateUsers = Statement(
    "update users",
    """
    with pushed as (
      \(upsertPushes(of: .user, flags: 25))
    )
    update identity.users u
    set
      user_name = written.user_name,
      user_name_key = written.user_name_key,
      user_name_hash = written.user_name_hash,
      external_id = written.external_id,
      display_name = written.display_name,
      given_name = written.given_name,
      family_name = written.family_name,
      email = written.email,
      email_key = written.email_key,
      language = written.language,
      state = written.state,
      role = written.role,
      first_signed_in_at = written.first_signed_in_at,
      version = written.version,
      modified_at = written.modified_at,
      document = written.document,
      other_email_keys = written.other_email_keys::text[],
      former_name_hash = written.former_name_hash,
      display_name_key = written.display_name_key,
      name_key = written.name_key,
      family_name_key = written.family_name_key,
      account_id = written.account_id,
      keyed_version = written.version
    from \(userArrays)
    where u.workspace_id = written.workspace_id and u.id = written.id
    """)

  static let deleteUsers = Statement(
    "delete users",
    """
    with
      gone as (
        select workspace_id, id from unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, id)
      ),
      left_groups as (
        delete from identity.memberships m
        using gone
        where m.workspace_id = gone.workspace_id and m.user_id = gone.id
      ),
      lost_pushes as (
        delete from identity.pushes p
        using gone
        where p.workspace_id = gone.workspace_id and p.resource_id = gone.id
      )
    delete from identity.users u
    using gone
    where u.workspace_id = gone.workspace_id and u.id = gone.id
    """)

  private static let groupArrays = """
    unnest(
      $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int8[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::uuid[]
    ) as written (
      workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document, namesake
    )
    """

  static let insertGroups = Statement(
    "insert groups",
    """
    with pushed as (
      \(upsertPushes(of: .group, flags: 11))
    )
    insert into identity.groups (
      workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document, namesake, keyed_version
    )
    select *, version from \(groupArrays)
    """)

  static let updateGroups = Statement(
    "update groups",
    """
    with pushed as (
      \(upsertPushes(of: .group, flags: 11))
    )
    update identity.groups g
    set
      display_name = written.display_name,
      display_name_key = written.display_name_key,
      external_id = written.external_id,
      version = written.version,
      modified_at = written.modified_at,
      document = written.document,
      namesake = written.namesake,
      keyed_version = written.version
    from \(groupArrays)
    where g.workspace_id = written.workspace_id and g.id = written.id
    """)

  static let deleteGroups = Statement(
    "delete groups",
    """
    with
      gone as (
        select workspace_id, id from unnest($1::uuid[], $2::uuid[]) as gone (workspace_id, id)
      ),
      lost_members as (
        delete from identity.memberships m
        using gone
        where m.workspace_id = gone.workspace_id and m.group_id = gone.id
      ),
      lost_pushes as (
        delete from identity.pushes p
        using gone
        where p.workspace_id = gone.workspace_id and p.resource_id = gone.id
      )
    delete from identity.groups g
    using gone
    where g.workspace_id = gone.workspace_id and g.id = gone.id
    """)

  static let insertMemberships = Statement(
    "insert memberships",
    """
    insert into identity.memberships (workspace_id, group_id, user_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    on conflict do nothing
    """)

  static let deleteMemberships = Statement(
    "delete memberships",
    """
    delete from identity.memberships m
    using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as gone (workspace_id, group_id, user_id)
    where m.workspace_id = gone.workspace_id and m.group_id = gone.group_id and m.user_id = gone.user_id
    """)

  static let insertTombstones = Statement(
    "insert tombstones",
    """
    insert into identity.tombstones (workspace_id, id, type, user_name_hash, deleted_at, version, name_key_id)
    select *, $7 from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[], $6::int8[])
    on conflict (workspace_id, id) do nothing
    """)

  static let insertEarlySignIns = Statement(
    "insert early sign-ins",
    """
    insert into identity.early_sign_ins as early_sign_ins (workspace_id, email_key, signed_in_at)
    select * from unnest($1::uuid[], $2::text[], $3::timestamptz[])
    on conflict (workspace_id, email_key) do update
    set signed_in_at = greatest(early_sign_ins.signed_in_at, excluded.signed_in_at)
    """)

  static let deleteEarlySignIns = Statement(
    "delete early sign-ins",
    """
    delete from identity.early_sign_ins s
    using unnest($1::uuid[], $2::text[]) as used (workspace_id, email_key)
    where s.workspace_id = used.workspace_id and s.email_key = used.email_key
    """)

  static let insertAudit = Statement(
    "insert audit",
    """
    insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary, status, detail)
    select workspace_id, command_id, at, actor, action, target, summary, status::int, detail
    from unnest(
      $1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]
    ) as done (workspace_id, command_id, at, actor, action, target, summary, status, detail)
    on conflict (workspace_id, command_id) do nothing
    """)

  /// The last statement of a batch: divides by zero if the transaction has exceeded the time limit `$5`, in seconds.
  static let insertReplies = Statement(
    "insert replies",
    """
    insert into identity.replies (workspace_id, command_id, attributes, data)
    select workspace_id, command_id, attributes::text[], data
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) as recorded (workspace_id, command_id, attributes, data)
    where 1 / (clock_timestamp() < now() + make_interval(secs => $5))::int = 1
    """)

  /// Whether an error of a batch says that the transaction has exceeded its time limit.
  static func isTimeLimit(_ error: PostgresError) -> Bool {
    error.statement == insertReplies.name && error.sqlState == "22012"
  }
}
