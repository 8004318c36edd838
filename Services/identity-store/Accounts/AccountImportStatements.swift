import Postgres

/// The statements of ``AccountImportRunner``, and those that delete what is left of imports.
enum AccountImportStatements {
  /// Claims the oldest import that no process works on, and that is the first of its workspace.
  static let claim = Statement(
    "claim account import",
    """
    update identity.account_imports i
    set status = 'applying', claimed_by = $1, claimed_until = now() + make_interval(secs => $2)
    from (
      select workspace_id, id
      from identity.account_imports next
      where status in ('waiting', 'applying')
      and (claimed_until is null or claimed_until < now() or claimed_by = $1)
      and not exists (
        select from identity.account_imports earlier
        where earlier.workspace_id = next.workspace_id
        and earlier.status in ('waiting', 'applying')
        and (earlier.started_at, earlier.id) < (next.started_at, next.id)
      )
      order by started_at
      limit 1
      for update skip locked
    ) next
    where i.workspace_id = next.workspace_id and i.id = next.id
    returning i.workspace_id, i.id, i.position, i.lines
    """)

  /// Returns no row if another process has taken over.
  static let renew = Statement(
    "renew claim of account import",
    """
    update identity.account_imports
    set claimed_until = now() + make_interval(secs => $4)
    where workspace_id = $1 and id = $2 and claimed_by = $3 and status = 'applying'
    returning id
    """)

  static let finish = Statement(
    "finish account import",
    """
    with finished as (
      update identity.account_imports
      set status = $4, finished_at = now(), errors = $5, claimed_until = null
      where workspace_id = $1 and id = $2 and claimed_by = $3 and status = 'applying'
      returning workspace_id, id
    ), gone as (
      delete from identity.account_import_lines l
      using finished
      where l.workspace_id = finished.workspace_id and l.import_id = finished.id
    )
    select id from finished
    """)

  static let counts = Statement(
    "counts of account import",
    """
    select coalesce(max(line), 0), count(*)
    from identity.account_import_lines
    where workspace_id = $1 and import_id = $2
    """)

  static let lines = Statement(
    "lines of account import",
    """
    select line, account_id, email, external_id, state
    from identity.account_import_lines
    where workspace_id = $1 and import_id = $2 and line > $3
    order by line
    limit $4
    """)

  /// Lines whose address or external id another account has.
  static let conflicts = Statement(
    "conflicts of account import",
    """
    select l.line, l.account_id, 'email', a.account_id
    from identity.account_import_lines l
    join identity.accounts a on a.workspace_id = l.workspace_id and a.email_key = l.email_key
    where l.workspace_id = $1 and l.import_id = $2 and l.line > $3 and l.line <= $4
    and l.state <> 'deleted' and a.account_id <> l.account_id
    union all
    select l.line, l.account_id, 'externalId', a.account_id
    from identity.account_import_lines l
    join identity.accounts a on a.workspace_id = l.workspace_id and a.external_id = l.external_id
    where l.workspace_id = $1 and l.import_id = $2 and l.line > $3 and l.line <= $4
    and l.state <> 'deleted' and a.account_id <> l.account_id
    order by 1
    limit $5
    """)

  static let users = Statement(
    "users of account import",
    """
    select u.id
    from identity.users u
    where u.workspace_id = $1
    and u.external_id = any ($2::text[])
    and u.account_id is null
    and exists (
      select from identity.workspaces w
      where w.id = $1 and w.settings ->> 'accountLinking' = 'external-id'
    )
    union
    select a.user_id
    from identity.accounts a
    where a.workspace_id = $1 and a.account_id = any ($3::text[]) and a.user_id is not null
    """)

  /// The number of processed commands, the number of those that were applied, and the error of one that was not.
  static let answered = Statement(
    "answered chunks of account import",
    """
    select
      count(*),
      count(*) filter (where attributes @> array['status', '204']),
      convert_from((array_agg(data) filter (where not attributes @> array['status', '204']))[1], 'UTF8')
    from identity.replies
    where workspace_id = $1 and command_id = any ($2::uuid[])
    """)
}

extension RowTrimming.Rows {
  /// Lines of imports that were never started, because a line was invalid or the client went away.
  static let abandonedImports = Self(
    name: "abandoned account imports",
    statement: Statement(
      "trim lines of account imports",
      """
      delete from identity.account_import_lines l
      using (
        select l.workspace_id, l.import_id, l.line
        from identity.account_imports i
        join identity.account_import_lines l on l.workspace_id = i.workspace_id and l.import_id = i.id
        where i.status = 'staging'
        and i.created_at < now() - make_interval(secs => $1::int8)
        limit $2::int8
      ) old
      where l.workspace_id = old.workspace_id and l.import_id = old.import_id and l.line = old.line
      """),
    retention: .seconds(86_400), batch: 5000, interval: .seconds(600))

  /// The records of imports.
  static let accountImports = Self(
    name: "account imports",
    statement: Statement(
      "trim account imports",
      """
      delete from identity.account_imports
      where ctid = any (array(
        select ctid
        from identity.account_imports
        where status in ('staging', 'done', 'failed')
        and created_at < now() - make_interval(secs => $1::int8)
        limit $2::int8
      ))
      """),
    retention: .seconds(90 * 86_400), batch: 1000, interval: .seconds(3600))
}
