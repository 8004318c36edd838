import Postgres

/// The SQL of ``Migrator``.
enum MigrationStatements {
  /// The key of the advisory lock: "rollcall" in ASCII.
  static let lockKey: Int64 = 0x726F_6C6C_6361_6C6C

  static let noTimeout = Statement("set statement timeout", "set statement_timeout = 0")

  static let lock = Statement("lock migrations", "select pg_advisory_lock($1)")

  /// The table of applied migrations. Every role may read it, since every service checks its schema's version.
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
    grant usage on schema rollcall to public;
    grant select on rollcall.migrations to public;
    """

  static let version = Statement(
    "schema version",
    """
    select coalesce(max(number), 0)
    from rollcall.migrations
    where schema = $1
    """)

  /// The applied migrations, each with whether its text is unchanged. The server computes the checksums.
  static let compare = Statement(
    "compare migrations",
    """
    select applied.schema, applied.number, applied.checksum = sha256(known.sql)
    from rollcall.migrations applied
    left join unnest($1::text[], $2::int8[], $3::bytea[]) as known (schema, number, sql)
      on known.schema = applied.schema and known.number = applied.number
    where applied.schema = any ($1)
    order by applied.schema, applied.number
    """)

  static let record = Statement(
    "record migration",
    """
    insert into rollcall.migrations (schema, number, name, checksum)
    values ($1, $2, $3, sha256($4))
    """)

  /// The id of the current transaction.
  static let transaction = Statement("migration transaction", "select pg_current_xact_id()::text")
}
