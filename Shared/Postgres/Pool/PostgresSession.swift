/// An exclusive connection, for session state: advisory locks, temporary tables, settings. See
/// ``PostgresPool/withExclusiveConnection(_:)``.
///
/// Once the connection is lost, every later statement fails.
public struct PostgresSession: Sendable {
  let connection: Connection

  /// Runs one statement in its own transaction and returns its rows.
  ///
  /// - Throws: `PostgresError`; `CancellationError`, after which the session cannot be used.
  public nonisolated(nonsending) func query(_ statement: Statement, _ parameters: [PostgresValue] = []) async throws -> Rows {
    try await query(statement, parameters, hasTimeLimit: true)
  }

  /// Runs `body` in a transaction of this session: commits when it returns, rolls back when it throws.
  ///
  /// - Throws: What `body` throws; `PostgresError` of the commit.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    try await connection.transaction(body)
  }
}

extension PostgresSession {
  /// Runs one statement in its own transaction and returns its rows.
  ///
  /// - Parameter hasTimeLimit: False for a statement that may exceed the statement timeout of the configuration, because the session has
  ///   disabled it.
  /// - Throws: As ``query(_:_:)``.
  package nonisolated(nonsending) func query(
    _ statement: Statement, _ parameters: [PostgresValue], hasTimeLimit: Bool
  ) async throws -> Rows {
    try await run(Request(.commands([try Request.Command(statement, parameters)]), hasTimeLimit: hasTimeLimit)).last(of: statement)
  }

  /// Runs any number of statements as text, without a time limit.
  ///
  /// - Throws: As ``query(_:_:)``; the error has `name` as its statement.
  package nonisolated(nonsending) func run(script: String, named name: String) async throws {
    _ = try await run(Request(.script(name: name, sql: script), hasTimeLimit: false))
  }

  private nonisolated(nonsending) func run(_ request: Request) async throws -> [Rows] {
    connection.enqueue(request)
    do {
      return try await request.outcome.value()
    } catch {
      if error is CancellationError { connection.close(.taskCancelled) }
      throw error
    }
  }
}
