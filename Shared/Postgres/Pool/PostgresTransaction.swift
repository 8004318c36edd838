/// A transaction under way; see ``PostgresPool/transaction(_:)``.
///
/// An error in any statement fails the transaction: later statements throw the same error, and it is rolled back.
public struct PostgresTransaction: Sendable {
  let scope: TransactionScope

  /// Runs one statement and returns its rows.
  ///
  /// - Throws: `PostgresError`; `CancellationError`.
  public nonisolated(nonsending) func query(_ statement: Statement, _ parameters: [PostgresValue] = []) async throws -> Rows {
    let rows = try await scope.run([(statement, parameters)], commit: false)
    guard let rows = rows.first else { throw PostgresError.connection("the server gave no answer").named(statement.name) }
    return rows
  }

  /// Runs `steps` one after the other in one round trip, and returns the rows of each.
  ///
  /// - Parameter commit: Whether to commit in the same round trip, when all steps have succeeded. Nothing can follow.
  /// - Throws: `PostgresError` of the first step that failed; the later ones were not carried out. `CancellationError`.
  public nonisolated(nonsending) func pipeline(_ steps: [(Statement, [PostgresValue])], commit: Bool = false) async throws -> [Rows] {
    try await scope.run(steps, commit: commit)
  }
}
