import Logging
import Metrics
import Postgres
import TestSupport

let quiet = Logger(label: "postgres", factory: { _ in SwiftLogNoOpLogHandler() })

/// A condition on `pg_locks`: locks of the current database.
let ownDatabase = "database = (select oid from pg_database where datname = current_database())"

extension PostgresServer {
  /// Runs `body` with a pool for a database, and closes the pool.
  func withPool<Value>(
    database: String = "postgres", connections: Int = 1, exclusiveConnections: Int = 2, statementTimeout: Duration = .seconds(30),
    maximumWait: Duration = .seconds(30), metrics: any MetricsFactory = NOOPMetricsHandler.instance,
    _ body: (PostgresPool) async throws -> Value
  ) async throws -> Value {
    let pool = PostgresPool(
      PostgresConfiguration(
        url: url(database: database), connections: connections, statementTimeout: statementTimeout, applicationName: "test",
        exclusiveConnections: exclusiveConnections, maximumWait: maximumWait),
      logger: quiet, metrics: metrics)
    do {
      let value = try await body(pool)
      await pool.close()
      return value
    } catch {
      await pool.close()
      throw error
    }
  }

  /// Runs `body` with a pool for a new database of the shared server.
  static func withOwnDatabase<Value>(
    connections: Int = 1, exclusiveConnections: Int = 2, statementTimeout: Duration = .seconds(30), maximumWait: Duration = .seconds(30),
    metrics: any MetricsFactory = NOOPMetricsHandler.instance, _ body: (PostgresPool) async throws -> Value
  ) async throws -> Value {
    let server = try await shared()
    return try await server.withPool(
      database: try await server.createDatabase(), connections: connections, exclusiveConnections: exclusiveConnections,
      statementTimeout: statementTimeout, maximumWait: maximumWait, metrics: metrics, body)
  }
}

extension PostgresPool {
  /// Runs SQL without parameters, unprepared.
  @discardableResult
  func run(_ sql: String) async throws -> Rows { try await query(Statement(once: "test", sql)) }

  /// The first column of the first row.
  func number(_ sql: String) async throws -> Int? { try await run(sql).first?.int(0) }

  /// The server process of the shared connection.
  func backend() async throws -> Int { try await number("select pg_backend_pid()") ?? 0 }
}

extension PostgresTransaction {
  @discardableResult
  func run(_ sql: String) async throws -> Rows { try await query(Statement(once: "test", sql)) }
}
