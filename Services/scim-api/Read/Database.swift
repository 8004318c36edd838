import Postgres

/// The store's views, read with patience: a read that meets a restart of the database is tried again.
struct Database: Sendable {
  let pool: PostgresPool
  /// How long a read is tried again before the caller is told that the database is away.
  let patience: Duration

  func query(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
    try await patiently { try await pool.query(statement, parameters) }
  }

  /// Runs a statement that may read a whole workspace, on a connection of its own: it keeps no look-up waiting behind it, and there are as
  /// many at once as there are such connections.
  func search(_ statement: Statement, _ parameters: [PostgresValue]) async throws -> Rows {
    try await patiently { try await pool.snapshot().query(statement, parameters) }
  }

  private func patiently(_ read: () async throws -> Rows) async throws -> Rows {
    let deadline = ContinuousClock.now + patience
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
