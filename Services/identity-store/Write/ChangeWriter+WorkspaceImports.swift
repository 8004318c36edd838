import Foundation
import Models
import Postgres

extension ChangeWriter {
  /// The statements for imports of workspaces.
  ///
  /// - Throws: The error of `JSONEncoder`.
  func workspaceImportSteps(_ changes: WorkingSet.Changes, at now: Date) throws -> [(Statement, [PostgresValue])] {
    var steps: [(Statement, [PostgresValue])] = []
    for staged in changes.stagedWorkspaceParts {
      let key: [PostgresValue] = [.uuid(staged.workspace.uuid), .uuid(staged.part.importID.uuid)]
      steps.append((Self.stageWorkspace, key + [.text(staged.actor), .timestamp(now)]))
      let lines = String(decoding: try JSONData.encode(staged.part.lines), as: UTF8.self)
      steps.append(
        (Self.stageWorkspacePart, key + [.int(Int64(staged.part.number)), .int(Int64(staged.part.firstLine)), .text(lines)]))
    }
    for (workspace, start) in changes.startedWorkspaceImports.sorted(by: { $0.key < $1.key }) {
      steps.append(
        (
          Self.startWorkspace,
          [
            .uuid(workspace.uuid), .uuid(start.importID.uuid), .int(Int64(start.parts)), .int(Int64(start.lines)), .timestamp(now),
          ]
        ))
    }
    for (workspace, part) in changes.workspaceImportPositions.sorted(by: { $0.key < $1.key }) {
      steps.append((Self.advanceWorkspace, [.uuid(workspace.uuid), .int(Int64(part))]))
    }
    return steps
  }

  /// A failed or abandoned import makes way for another one.
  private static let stageWorkspace = Statement(
    "stage workspace import",
    """
    insert into identity.workspace_imports as i (workspace_id, id, status, created_by, created_at)
    values ($1, $2, 'staging', $3, $4)
    on conflict (workspace_id) do update
    set
      id = excluded.id, status = 'staging', created_by = excluded.created_by, created_at = excluded.created_at, started_at = null,
      finished_at = null, parts = null, lines = null, position = 0, problem = null, claimed_by = null, claimed_until = null
    where i.id <> excluded.id and i.status in ('staging', 'done', 'failed')
    """)

  private static let stageWorkspacePart = Statement(
    "stage part of workspace",
    """
    insert into identity.workspace_import_parts (workspace_id, import_id, part, first_line, lines)
    values ($1, $2, $3, $4, $5)
    on conflict (workspace_id, import_id, part) do nothing
    """)

  private static let startWorkspace = Statement(
    "start workspace import",
    """
    update identity.workspace_imports
    set status = 'waiting', parts = $3, lines = $4, started_at = $5
    where workspace_id = $1 and id = $2 and status = 'staging'
    """)

  // From the first account on, batches look for accounts of the workspace.
  private static let advanceWorkspace = Statement(
    "advance workspace import",
    """
    with marked as (
      update identity.workspaces w
      set has_accounts = true
      where w.id = $1 and not w.has_accounts
      and exists (select from identity.accounts a where a.workspace_id = $1)
    )
    update identity.workspace_imports
    set position = greatest(position, $2)
    where workspace_id = $1
    """)
}
