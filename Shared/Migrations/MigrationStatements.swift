import Postgres

/// The SQL of ``Migrator``.
enum MigrationStatements {
  /// The key of the advisory lock: "rollcall" in ASCII.
  static let lockKey: Int64 = 0x726F_6C6C_6361_6C6C

  static let noTimeout = Statement("set statement timeout", "set statement_timeout = 0")

  static let lock = Statement("lock migrations", "select pg_advisory_lock($1)")

  /// The table of applied migrations. Every role may read it, since every service checks its schema's version. `kind` is null for migrations
  /// that a release before 0.3 has applied, until the next one records it.
  static let table = """
    create schema if not exists rollcall;
    create table if not exists rollcall.migrations (
      schema text not null,
      number int not null,
      name text not null,
      checksum bytea not null,
      applied_at timestamptz not null default now(),
      primary key (schema, number)
    );
    alter table rollcall.migrations add column if not exists kind text;
    grant usage on schema rollcall to public;
    grant select on rollcall.migrations to public;
    """

  /// The column `kind` is read through JSON, since a database that only releases before 0.3 have migrated does not have it.
  static let version = Statement(
    "schema version",
    """
    select
      coalesce(max(number), 0),
      coalesce(max(number) filter (where to_jsonb(applied) ->> 'kind' is distinct from 'expand'), 0)
    from rollcall.migrations applied
    where schema = $1
    """)

  /// Stores the kinds of migrations that were applied without one.
  static let recordKinds = Statement(
    "record kinds of migrations",
    """
    update rollcall.migrations applied
    set kind = known.kind
    from unnest($1::text[], $2::int8[], $3::text[]) as known (schema, number, kind)
    where applied.kind is null
    and known.kind is not null
    and known.schema = applied.schema
    and known.number = applied.number
    """)

  /// The applied migrations, each with whether its text is unchanged. The server computes the checksums.
  static let compare = Statement(
    "compare migrations",
    """
    select applied.schema, applied.number, applied.checksum = sha256(known.sql), applied.kind
    from rollcall.migrations applied
    left join unnest($1::text[], $2::int8[], $3::bytea[]) as known (schema, number, sql)
      on known.schema = applied.schema and known.number = applied.number
    where applied.schema = any ($1)
    order by applied.schema, applied.number
    """)

  static let record = Statement(
    "record migration",
    """
    insert into rollcall.migrations (schema, number, name, checksum, kind)
    values ($1, $2, $3, sha256($4), $5)
    """)

  /// The id of the current transaction.
  static let transaction = Statement("migration transaction", "select pg_current_xact_id()::text")
}
