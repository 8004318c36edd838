import EdgeHTTP
import Models
import Postgres

/// Reads which workspaces of the deployment send the most requests.
package struct ActivityQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The requests of a workspace within ``window``.
  package struct WorkspaceRequests: Sendable, Equatable {
    package var workspace: WorkspaceID
    package var slug: String
    /// Writes, failed requests, and samples of reads, as the provisioning log has them.
    package var requests: Int
    /// Those with a status of 4xx or 5xx.
    package var failed: Int
    /// Those that a limit rejected, or that could not be processed at the moment: 429 and 503.
    package var rejected: Int
    /// The duration of the slowest, in milliseconds.
    package var slowest: Double
  }

  /// How far it looks back, in seconds.
  package static let window = 60

  /// The workspaces with the most requests, the busiest first.
  ///
  /// - Throws: `PostgresError`.
  package func busiestWorkspaces(limit: Int) async throws -> [WorkspaceRequests] {
    try await database.query(Self.busiest, [.int(Int64(Self.window)), .int(Int64(limit))]).map { row in
      WorkspaceRequests(
        workspace: WorkspaceID(try row.uuid(0)), slug: try row.string(1), requests: try row.int(2), failed: try row.int(3),
        rejected: try row.int(4), slowest: try row.double(5))
    }
  }

  private static let busiest = Statement(
    "busiest workspaces",
    "select workspace_id, slug, requests, failed, rejected, slowest from identity_read.busiest_workspaces($1, $2)")
}
