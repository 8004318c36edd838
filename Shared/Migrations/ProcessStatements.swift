import Postgres

/// The SQL of ``ProcessRegistry``.
enum ProcessStatements {
  /// The record of running processes. Services have no right to write it but through the function, which every role of the database may
  /// call: scim-api has a role that can only read. A row per process and schema; rows of ended processes are deleted after a week.
  static let table = """
    create table if not exists rollcall.processes (
      instance uuid not null,
      schema text not null check (length(schema) <= 100),
      name text not null check (length(name) <= 100),
      version text not null check (length(version) <= 100),
      oldest int not null,
      newest int not null,
      started_at timestamptz not null default now(),
      seen_at timestamptz not null default now(),
      primary key (instance, schema)
    );
    grant select on rollcall.processes to public;
    create or replace function rollcall.record_process(
      instance uuid, name text, version text, schemas text[], oldest bigint[], newest bigint[]
    ) returns void
    language sql volatile security definer set search_path = pg_catalog as $$
      delete from rollcall.processes where seen_at < now() - interval '7 days';
      insert into rollcall.processes (instance, schema, name, version, oldest, newest)
      select record_process.instance, range.schema, record_process.name, record_process.version, range.oldest, range.newest
      from unnest(schemas, record_process.oldest, record_process.newest) as range (schema, oldest, newest)
      on conflict (instance, schema) do update set seen_at = now();
    $$;
    """

  static let record = Statement("record process", "select rollcall.record_process($1, $2, $3, $4, $5, $6)")

  /// Processes that were seen within $1 seconds, and those that are connected but have recorded nothing in that time. The latter are found
  /// by the names of their connections, `identity-store-0` or `identity-store-0 health`.
  static let running = Statement(
    "running processes",
    """
    with recorded as (
      select
        name, version, array_agg(schema order by schema) as schemas, array_agg(newest::bigint order by schema) as newest,
        max(seen_at) as seen_at
      from rollcall.processes
      where seen_at > now() - make_interval(secs => $1)
      group by instance, name, version
    )
    select name, version, schemas, newest, seen_at
    from recorded
    union all
    select distinct split_part(application_name, ' ', 1), null::text, '{}'::text[], '{}'::bigint[], now()
    from pg_stat_activity
    where datname = current_database()
    and application_name ~ '^(scim-api|identity-store|invitation-mailer|group-sync)-[0-9]+( |$)'
    and split_part(application_name, ' ', 1) not in (select name from recorded)
    order by name
    """)
}
