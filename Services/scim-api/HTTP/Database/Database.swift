import Models
import Postgres

/// Reads the store's views. A read that fails because the database restarts is retried.
///
/// Every read names its workspace to the database, whose row-level security then shows the rows of no other workspace, whatever the
/// statement selects.
package struct Database: Sendable {
  private let pool: PostgresPool
  /// How long a read is retried before it fails.
  private let retryTimeout: Duration
  private let searchLimiter: WorkspaceConcurrencyLimiter

  /// - Parameters:
  ///   - retryTimeout: how long a read is retried while the database is unavailable.
  ///   - searchLimiter: limits the connections that a workspace has to itself.
  package init(
    pool: PostgresPool, retryTimeout: Duration,
    searchLimiter: WorkspaceConcurrencyLimiter = WorkspaceConcurrencyLimiter(maximumPerWorkspace: 4)
  ) {
    self.pool = pool
    self.retryTimeout = retryTimeout
    self.searchLimiter = searchLimiter
  }

  /// Runs a statement that reads a few rows of a workspace.
  ///
  /// - Throws: `PostgresError`.
  package func query(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> Rows {
    try await retrying { try await pool.query(statement, parameters, under: .inForce(workspace)) }
  }

  /// Reads tables that belong to no workspace. Of other tables it sees no row.
  package func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
    try await retrying { try await pool.query(statement, parameters) }
  }

  /// Runs a statement that may read a whole workspace, on a connection of its own, so that no lookup waits behind it. There is a bounded
  /// number of such connections, and each workspace gets a part of them.
  ///
  /// - Throws: 429 if the workspace has too many; `PostgresError`.
  package func search(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> Rows {
    let permit = try await searchLimiter.permit(for: workspace)
    defer { withExtendedLifetime(permit) {} }
    return try await retrying { try await pool.snapshot(under: .inForce(workspace)).query(statement, parameters) }
  }

  /// A snapshot of a workspace, for several statements on one connection.
  ///
  /// - Throws: 429 if the workspace has too many; `PostgresError`.
  package func snapshot(of workspace: WorkspaceID) async throws -> Snapshot {
    let permit = try await searchLimiter.permit(for: workspace)
    return Snapshot(stored: try await pool.snapshot(under: .inForce(workspace)), permit: permit)
  }

  /// A workspace at one moment. It occupies one of the workspace's connections for its lifetime.
  package struct Snapshot: Sendable {
    fileprivate let stored: PostgresSnapshot
    fileprivate let permit: WorkspaceConcurrencyLimiter.Permit

    /// Runs a statement in the snapshot.
    package func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
      try await stored.query(statement, parameters)
    }
  }

  private func retrying(_ read: () async throws -> Rows) async throws -> Rows {
    let deadline = ContinuousClock.now + retryTimeout
    var pause = Duration.milliseconds(20)
    while true {
      do {
        return try await read()
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
