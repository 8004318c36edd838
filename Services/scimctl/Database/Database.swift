import Logging
import Postgres
import ServiceKit

/// Runs `body` with a pool of one database connection, and closes the pool afterwards.
///
/// - Throws: Whatever `body` throws; `PostgresError` if the database does not answer.
func withDatabase<Value: Sendable>(
  _ settings: ServiceSettings, statementTimeout: Duration = .seconds(60), _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
  let pool = PostgresPool(
    PostgresConfiguration(
      url: try settings.string(.databaseURL), connections: 1, statementTimeout: statementTimeout, applicationName: settings.service,
      exclusiveConnections: 1),
    logger: Logger(label: settings.service))
  do {
    try await pool.check()
    let value = try await body(pool)
    await pool.close()
    return value
  } catch {
    await pool.close()
    throw error
  }
}
