/// A read-only transaction in which every statement sees the database as it was at the first; see ``PostgresPool/snapshot(under:)``.
///
/// It holds an exclusive connection, and ends when its last reference goes away.
public final class PostgresSnapshot: Sendable {
  private let transaction: PostgresTransaction
  private let connections: ExclusiveConnections
  private let setting: LocalSetting?

  private static let isolation = Statement("snapshot", "set transaction isolation level repeatable read, read only")

  init(on connection: Connection, of connections: ExclusiveConnections, under setting: LocalSetting?) {
    transaction = PostgresTransaction(on: connection)
    self.connections = connections
    self.setting = setting
  }

  deinit {
    transaction.abandon()
    connections.giveBack(transaction.connection)
  }

  /// Runs one statement and returns its rows.
  ///
  /// - Throws: `PostgresError` or `CancellationError`; the snapshot cannot be used after either.
  public nonisolated(nonsending) func query(_ statement: Statement, _ parameters: [PostgresValue] = []) async throws -> Rows {
    let setup = transaction.hasBegun ? [] : [(Self.isolation, [])] + (setting.map { [$0.step] } ?? [])
    return try await transaction.pipeline(setup + [(statement, parameters)]).last(of: statement)
  }
}
