import Models
import Postgres

// Loads for imports of workspaces.
extension LoadStatements {
  /// The imports of workspaces, with their numbers of staged parts.
  static func workspaceImports(_ workspaces: Set<WorkspaceID>) -> Load {
    Load(statement: workspaceImportStatement, parameters: [.uuidArray(workspaces.sorted().map(\.uuid))]) { row, set in
      let status = try row.string(2)
      guard let status = WorkspaceImportRecord.Status(rawValue: status) else { throw UnknownAccountState(state: status) }
      set.load(
        WorkspaceImportRecord(
          workspace: WorkspaceID(try row.uuid(0)), id: CommandID(try row.uuid(1)), status: status, stagedParts: try row.int(3)))
    }
  }

  private static let workspaceImportStatement = Statement(
    "load workspace imports",
    """
    select i.workspace_id, i.id, i.status, case when i.status = 'staging' then (
      select count(*)
      from identity.workspace_import_parts p
      where p.workspace_id = i.workspace_id and p.import_id = i.id
    ) else 0 end
    from identity.workspace_imports i
    where i.workspace_id = any ($1)
    """)
}

/// A row of `identity.workspace_imports`.
struct WorkspaceImportRecord: Sendable, Equatable {
  typealias Status = AccountImportRecord.Status

  var workspace: WorkspaceID
  var id: CommandID
  var status: Status
  var stagedParts: Int
}
