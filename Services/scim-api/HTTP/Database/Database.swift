import Models
import Postgres

/// Reads the store's views. A read that fails because the database restarts is retried.
///
/// Every read sets its workspace in the database session, so that row-level security hides the rows of other workspaces from any
/// statement.
package struct Database: Sendable {
  private let pool: PostgresPool
  /// How long a read is retried before it fails.
  package let retryTimeout: Duration
  private let searchLimiter: WorkspaceConcurrencyLimiter
  /// The replica that runs the reads of tasks that allow it (``ReadReplica/requiredPosition``), except snapshots; nil for none.
  package private(set) var replica: ReadReplica?

  /// - Parameters:
  ///   - retryTimeout: how long a read is retried while the database is unavailable.
  ///   - searchLimiter: limits the exclusive connections per workspace.
  package init(
    pool: PostgresPool, retryTimeout: Duration,
    searchLimiter: WorkspaceConcurrencyLimiter = WorkspaceConcurrencyLimiter(maximumPerWorkspace: 4)
  ) {
    self.pool = pool
    self.retryTimeout = retryTimeout
    self.searchLimiter = searchLimiter
  }

  /// The same database, whose reads use `replica` where a task allows it.
  package func reading(from replica: ReadReplica?) -> Database {
    var database = self
    database.replica = replica
    return database
  }

  /// Runs a statement that reads a few rows of a workspace. The connection may be shared with other statements.
  ///
  /// - Throws: `PostgresError`.
  package func query(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> Rows {
    try await reading { try await $0.query(statement, parameters, under: .inForce(workspace)) }
  }

  /// Runs a statement that reads tables without a workspace. Row-level security hides all rows of the other tables.
  ///
  /// - Throws: `PostgresError`.
  package func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
    try await reading { try await $0.query(statement, parameters) }
  }

  /// Runs a statement that may read a whole workspace, on an exclusive connection, so that short reads do not wait for it. The number of
  /// such connections is limited, in total and per workspace.
  ///
  /// - Throws: 429 if the workspace uses too many such connections; `PostgresError`.
  package func search(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> Rows {
    let permit = try await searchLimiter.permit(for: workspace)
    defer { withExtendedLifetime(permit) {} }
    return try await reading { try await $0.snapshot(under: .inForce(workspace)).query(statement, parameters) }
  }

  /// Opens a snapshot of a workspace, for several statements on one exclusive connection.
  ///
  /// - Throws: 429 if the workspace uses too many such connections; `PostgresError`.
  package func snapshot(of workspace: WorkspaceID) async throws -> Snapshot {
    let permit = try await searchLimiter.permit(for: workspace)
    return Snapshot(stored: try await pool.snapshot(under: .inForce(workspace)), permit: permit)
  }

  /// Opens a snapshot of a workspace that is read for as long as a client takes. The caller limits the number of such snapshots, which do not count
  /// as searches of the workspace.
  ///
  /// - Throws: `PostgresError`.
  package func longSnapshot(of workspace: WorkspaceID) async throws -> Snapshot {
    Snapshot(stored: try await pool.snapshot(under: .inForce(workspace)), permit: nil)
  }

  /// A consistent snapshot of a workspace. It occupies an exclusive connection for its lifetime.
  package struct Snapshot: Sendable {
    fileprivate let stored: PostgresSnapshot
    fileprivate let permit: WorkspaceConcurrencyLimiter.Permit?

    /// Runs a statement in the snapshot.
    package func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
      try await stored.query(statement, parameters)
    }
  }

  private func reading(_ read: (PostgresPool) async throws -> Rows) async throws -> Rows {
    if let replica, let rows = try await replica.read(read) { return rows }
    let deadline = ContinuousClock.now + retryTimeout
    var pause = Duration.milliseconds(20)
    while true {
      do {
        return try await read(pool)
      } catch let error as PostgresError where error.isTransient && ContinuousClock.now + pause < deadline {
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(500))
      }
    }
  }
}

extension LocalSetting {
  /// The setting that the row-level security policies read: the workspace whose rows are visible.
  static func inForce(_ workspace: WorkspaceID) -> LocalSetting { LocalSetting("rollcall.workspace", workspace.description) }
}
