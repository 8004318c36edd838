import EdgeHTTP
import Foundation
import Models
import Postgres

/// The receipt of a workspace whose deletion has begun.
package struct WorkspaceDeletionReceipt: Sendable, Equatable {
  /// The id of the workspace.
  package var workspace: WorkspaceID
  /// The slug that it had.
  package var slug: String
  /// The actor who ordered the deletion.
  package var requestedBy: String
  /// When it was ordered.
  package var requestedAt: Date
  /// When it was due.
  package var dueAt: Date
  /// When everything was deleted; nil while it is not.
  package var finishedAt: Date?
  /// The numbers of deleted rows by table, as JSON.
  package var deleted: [UInt8]
}

/// Reads the receipts of deleted workspaces. Only callers with a deployment-wide token may see them.
package struct WorkspaceDeletionsQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The receipts, newest first.
  ///
  /// - Parameter last: the last one of the previous page; nil for the first page.
  package func receipts(before last: (requestedAt: Date, workspace: WorkspaceID)?, limit: Int) async throws -> [WorkspaceDeletionReceipt] {
    let id = last?.workspace.uuid ?? UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
    return try await database.query(
      Self.statement, [.timestamp(last?.requestedAt ?? .distantFuture), .uuid(id), .int(Int64(limit))]
    ).map { row in
      WorkspaceDeletionReceipt(
        workspace: WorkspaceID(try row.uuid(0)), slug: try row.string(1), requestedBy: try row.string(2), requestedAt: try row.timestamp(3),
        dueAt: try row.timestamp(4), finishedAt: try row.optionalTimestamp(5), deleted: try row.bytes(6))
    }
  }

  private static let statement = Statement(
    "scim_api_workspace_deletions",
    """
    select workspace_id, slug, requested_by, requested_at, due_at, finished_at, deleted
    from identity_read.workspace_deletions($1, $2, $3::int8)
    """)
}
