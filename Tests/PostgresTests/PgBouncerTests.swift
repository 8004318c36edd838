import Logging
import Metrics
import Postgres
import TestSupport
import Testing

@Suite("PgBouncer")
struct PgBouncerTests {
  @Test("Connections have sessions of their own, and the settings of their configuration", arguments: [true, false])
  func sessions(isPooled: Bool) async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase()
    let bouncer = try await isPooled ? PgBouncerServer(.session, before: server) : nil
    try await withPool(bouncer?.url(database: database) ?? server.url(database: database)) { pool in
      try await pool.checkSessions()
      let text = try #require(
        try await pool.run("select current_setting('statement_timeout'), current_setting('plan_cache_mode'), current_setting('jit')").first)
      let settings = [try text.string(0), try text.string(1), try text.string(2)]
      #expect(settings == ["7s", "force_generic_plan", "off"])
      // Advisory locks and prepared statements.
      let lock = Statement("lock", "select pg_try_advisory_lock($1::int8)")
      try await pool.withExclusiveConnection { session in
        let isLocked = try await session.query(lock, [.int(7)]).first?.bool(0)
        let isLockedTwice = try await pool.query(lock, [.int(7)]).first?.bool(0)
        #expect(isLocked == true)
        #expect(isLockedTwice == false)
      }
      let sum = try await pool.transaction { transaction in
        try await transaction.query(Statement("sum", "select $1::int8 + 1"), [.int(41)]).first?.int(0)
      }
      #expect(sum == 42)
    }
    withExtendedLifetime(bouncer) {}
  }

  @Test("Transaction mode is rejected with the reason")
  func transactionMode() async throws {
    let server = try await PostgresServer.shared()
    let bouncer = try await PgBouncerServer(.transaction, before: server)
    let database = try await server.createDatabase()
    try await withPool(bouncer.url(database: database)) { pool in
      let error = await #expect(throws: PostgresError.self) { try await pool.checkSessions() }
      #expect(error?.isTransient == false)
      #expect(error?.message.contains("pooler in transaction mode") == true)
      #expect(error?.message.contains("pool_mode = session") == true)
    }
    withExtendedLifetime(bouncer) {}
  }

  private func withPool(_ url: String, _ body: (PostgresPool) async throws -> Void) async throws {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: url, connections: 1, statementTimeout: .seconds(7), applicationName: "test", exclusiveConnections: 1, planning: .onceByIndex),
      logger: quiet)
    do {
      try await body(pool)
    } catch {
      await pool.close()
      throw error
    }
    await pool.close()
  }
}
