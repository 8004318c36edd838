/// An exclusive connection, for what belongs to a session: advisory locks, temporary tables, settings. See
/// ``PostgresPool/withExclusiveConnection(_:)``.
///
/// The session is the connection: when that is lost, every later statement fails.
public struct PostgresSession: Sendable {
  let connection: Connection

  /// Runs one statement in a transaction of its own and returns its rows.
  ///
  /// - Throws: `PostgresError`; `CancellationError`, after which the session is of no use.
  public nonisolated(nonsending) func query(_ statement: Statement, _ parameters: [PostgresValue] = []) async throws -> Rows {
    try await query(statement, parameters, hasTimeLimit: true)
  }

  /// Runs `body` in a transaction of this session: committed when it returns, rolled back when it throws.
  ///
  /// - Throws: What `body` throws; `PostgresError` of the commit.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    let scope = TransactionScope(on: connection)
    let value: Value
    do {
      value = try await body(PostgresTransaction(scope: scope))
    } catch {
      await scope.rollBack()
      throw error
    }
    try await scope.commit()
    return value
  }
}

extension PostgresSession {
  /// - Parameter hasTimeLimit: False for a statement that may wait longer than the statement timeout, which the session has set aside.
  package nonisolated(nonsending) func query(
    _ statement: Statement, _ parameters: [PostgresValue], hasTimeLimit: Bool
  ) async throws -> Rows {
    let command = Request.Command(statement: statement, parameters: try EncodedParameters(parameters, of: statement))
    let rows = try await run(Request(.commands([command]), hasTimeLimit: hasTimeLimit))
    guard let rows = rows.first else { throw PostgresError.connection("the server gave no answer").named(statement.name) }
    return rows
  }

  /// Runs any number of statements, as text.
  package nonisolated(nonsending) func run(script: String, named name: String) async throws {
    _ = try await run(Request(.script(name: name, sql: script), hasTimeLimit: false))
  }

  private nonisolated(nonsending) func run(_ request: Request) async throws -> [Rows] {
    connection.enqueue(request)
    do {
      return try await request.outcome.value()
    } catch {
      if error is CancellationError { connection.close(.connection("the task that used the connection was cancelled")) }
      throw error
    }
  }
}
