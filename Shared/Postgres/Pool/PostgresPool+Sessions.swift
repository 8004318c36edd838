extension PostgresPool {
  /// Checks that each connection has a session of its own. Advisory locks, settings and prepared statements belong to a session.
  ///
  /// Behind a pooler in transaction mode, such as PgBouncer with `pool_mode = transaction`, two open connections share a server process, one
  /// transaction at a time.
  ///
  /// - Throws: `PostgresError`; that of a configuration if two open connections have the same server process.
  public nonisolated(nonsending) func checkSessions() async throws {
    try await withExclusiveConnection { session in
      // A pooler gives out the server process that was used last. Others may get it in between, so one difference proves nothing.
      for _ in 0..<Self.sessionChecks {
        let own = try await session.query(Self.serverProcess).first?.int(0)
        let shared = try await query(Self.serverProcess).first?.int(0)
        if own == shared { throw PostgresError.configuration(Self.sharedSession) }
      }
    }
  }

  private static let sessionChecks = 5
  // Not prepared: a prepared statement would already fail in transaction mode.
  private static let serverProcess = Statement(once: "find the server process", "select pg_backend_pid()")
  private static let sharedSession = """
    the database is behind a connection pooler in transaction mode, which gives the same session to several connections. Rollcall needs \
    sessions of its own, for advisory locks, settings and prepared statements: connect to PostgreSQL directly, or set the pooler to session \
    mode (PgBouncer: pool_mode = session)
    """
}
