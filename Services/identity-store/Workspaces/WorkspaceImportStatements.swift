import Postgres

/// The statements of ``WorkspaceImportRunner``, and those that delete what is left of imports.
enum WorkspaceImportStatements {
  /// Claims the oldest import that no process works on.
  static let claim = Statement(
    "claim workspace import",
    """
    update identity.workspace_imports i
    set status = 'applying', claimed_by = $1, claimed_until = now() + make_interval(secs => $2)
    from (
      select workspace_id
      from identity.workspace_imports
      where status in ('waiting', 'applying')
      and (claimed_until is null or claimed_until < now() or claimed_by = $1)
      order by started_at
      limit 1
      for update skip locked
    ) next
    where i.workspace_id = next.workspace_id
    returning i.workspace_id, i.id, i.position, i.parts
    """)

  /// Returns no row if another process has taken over.
  static let renew = Statement(
    "renew claim of workspace import",
    """
    update identity.workspace_imports
    set claimed_until = now() + make_interval(secs => $4)
    where workspace_id = $1 and id = $2 and claimed_by = $3 and status = 'applying'
    returning id
    """)

  static let finish = Statement(
    "finish workspace import",
    """
    with finished as (
      update identity.workspace_imports
      set status = $4, finished_at = now(), problem = $5, claimed_until = null
      where workspace_id = $1 and id = $2 and claimed_by = $3 and status = 'applying'
      returning workspace_id, id
    ), gone as (
      delete from identity.workspace_import_parts p
      using finished
      where p.workspace_id = finished.workspace_id and p.import_id = finished.id
    )
    select id from finished
    """)

  static let part = Statement(
    "part of workspace import",
    """
    select first_line, lines
    from identity.workspace_import_parts
    where workspace_id = $1 and import_id = $2 and part = $3
    """)

  /// Whether a processed command was applied, and the error if it was not.
  static let answer = Statement(
    "answer to part of workspace import",
    """
    select
      attributes @> array['status', '204'],
      case when not attributes @> array['status', '204'] then convert_from(data, 'UTF8') end
    from identity.replies
    where workspace_id = $1 and command_id = $2
    """)
}

extension RowTrimming.Rows {
  /// Parts of imports that were never started, because a line was invalid or the client went away, or that another import has replaced.
  static let abandonedWorkspaceParts = Self(
    name: "abandoned parts of workspaces",
    statement: Statement(
      "trim parts of workspace imports",
      """
      delete from identity.workspace_import_parts p
      using (
        select p.workspace_id, p.import_id, p.part
        from identity.workspace_import_parts p
        left join identity.workspace_imports i on i.workspace_id = p.workspace_id and i.id = p.import_id
        where i.id is null
        or i.status = 'staging' and i.created_at < now() - make_interval(secs => $1::int8)
        limit $2::int8
      ) old
      where p.workspace_id = old.workspace_id and p.import_id = old.import_id and p.part = old.part
      """),
    retention: .seconds(86_400), batch: 100, interval: .seconds(600))

  /// The records of imports.
  static let workspaceImports = Self(
    name: "workspace imports",
    statement: Statement(
      "trim workspace imports",
      """
      delete from identity.workspace_imports
      where workspace_id = any (array(
        select workspace_id
        from identity.workspace_imports
        where status in ('staging', 'done', 'failed')
        and created_at < now() - make_interval(secs => $1::int8)
        limit $2::int8
      ))
      """),
    retention: .seconds(90 * 86_400), batch: 1000, interval: .seconds(3600))
}
