import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIMStorage

/// Reads everything of a workspace that moves to another deployment, in a snapshot; and the imports of workspaces.
package struct WorkspaceExportQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Opens a snapshot of a workspace.
  ///
  /// - Throws: 429 if the workspace uses too many exclusive connections; `PostgresError`.
  package func export(of workspace: WorkspaceID) async throws -> WorkspaceExport {
    WorkspaceExport(workspace: workspace, snapshot: try await database.snapshot(of: workspace))
  }

  /// A stored import of a workspace.
  package struct Import: Sendable {
    /// The id: that of its first command.
    package var id: CommandID
    /// `staging`, `waiting`, `applying`, `done` or `failed`.
    package var status: String
    /// The actor who sent the file.
    package var createdBy: String
    /// When the file was sent.
    package var createdAt: Date
    /// When it was completely stored.
    package var startedAt: Date?
    /// When it was applied, or failed.
    package var finishedAt: Date?
    /// The number of parts.
    package var parts: Int?
    /// The number of lines of the file.
    package var lines: Int?
    /// The last part that is applied.
    package var position: Int
    /// Why it failed.
    package var problem: String?
  }

  /// The last import of a workspace, which need not exist yet; nil if there is none.
  package func workspaceImport(of workspace: WorkspaceID) async throws -> Import? {
    try await database.query(Self.importOfWorkspace, [.uuid(workspace.uuid)], in: workspace).first.map { row in
      Import(
        id: CommandID(try row.uuid(0)), status: try row.string(1), createdBy: try row.string(2), createdAt: try row.timestamp(3),
        startedAt: try row.optionalTimestamp(4), finishedAt: try row.optionalTimestamp(5), parts: try row.optionalInt(6),
        lines: try row.optionalInt(7), position: try row.int(8), problem: try row.optionalString(9))
    }
  }

  private static let importOfWorkspace = Statement(
    "import of workspace",
    """
    select id, status, created_by, created_at, started_at, finished_at, parts, lines, position, problem
    from identity_read.workspace_imports
    where workspace_id = $1
    """)
}

/// What a workspace had at one moment, in pages.
package struct WorkspaceExport: Sendable {
  private let workspace: WorkspaceID
  private let snapshot: Database.Snapshot

  fileprivate init(workspace: WorkspaceID, snapshot: Database.Snapshot) {
    self.workspace = workspace
    self.snapshot = snapshot
  }

  /// Records of one kind, as JSON, and where the next page starts; nil after the last one.
  package struct Page: Sendable {
    /// The data of the records.
    package var rows: [[UInt8]] = []
    /// The place after the last record.
    package var next: String?
  }

  /// Reads a page of records.
  ///
  /// - Parameter place: ``Page/next`` of the page before; nil for the first one.
  package func page(of kind: WorkspaceRecordLine.Kind, after place: String?) async throws -> Page {
    var page = Page()
    for row in try await snapshot.query(kind.statement, [.uuid(workspace.uuid), .text(place ?? kind.start)]) {
      page.rows.append(try row.bytes(0))
      page.next = try row.optionalString(1)
    }
    return page
  }
}

extension WorkspaceRecordLine.Kind {
  /// The place before the first record.
  fileprivate var start: String {
    let zero = "00000000-0000-0000-0000-000000000000"
    return switch self {
    case .workspace, .account, .template: ""
    case .webhook, .user, .group: zero
    case .members: "\(zero) \(zero)"
    }
  }

  fileprivate var statement: Statement {
    switch self {
    case .workspace: WorkspaceExportStatements.workspace
    case .webhook: WorkspaceExportStatements.webhooks
    case .template: WorkspaceExportStatements.templates
    case .user: WorkspaceExportStatements.users
    case .group: WorkspaceExportStatements.groups
    case .members: WorkspaceExportStatements.members
    case .account: WorkspaceExportStatements.accounts
    }
  }
}
