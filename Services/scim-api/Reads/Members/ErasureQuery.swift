import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the erasure of what remains of a deleted member.
package struct ErasureQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The erasure of a member; nil if none was requested.
  package func erasure(of id: UserID, in workspace: WorkspaceID) async throws -> StoredErasure? {
    try await database.query(Self.statement, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map { row in
      StoredErasure(
        requestedBy: try row.string(0), requestedAt: try row.timestamp(1), problem: try row.optionalString(2),
        finishedAt: try row.optionalTimestamp(3), erased: try row.optionalBytes(4))
    }
  }

  private static let statement = Statement(
    "erasure of member",
    """
    select requested_by, requested_at, problem, finished_at, erased::text
    from identity_read.erasures
    where workspace_id = $1
    and user_id = $2
    """)
}

/// A requested erasure.
package struct StoredErasure: Sendable, Equatable {
  /// The actor of the command, such as `token:…`.
  package var requestedBy: String
  /// When it was requested.
  package var requestedAt: Date
  /// Why the last attempt failed; nil if it did not.
  package var problem: String?
  /// When it was finished; nil while it is not.
  package var finishedAt: Date?
  /// How many rows were erased, as JSON by schema and kind; nil while it is not finished.
  package var erased: [UInt8]?
}
