/// A read-only transaction in which every statement sees the database as it was at the first; see ``PostgresPool/snapshot()``.
///
/// It has a connection of its own, and ends when nobody holds it any more.
public final class PostgresSnapshot: Sendable {
  private let scope: TransactionScope
  private let owner: ExclusiveConnections
  private let setting: LocalSetting?

  private static let isolation = Statement("snapshot", "set transaction isolation level repeatable read, read only")

  init(on connection: Connection, of owner: ExclusiveConnections, under setting: LocalSetting?) {
    scope = TransactionScope(on: connection)
    self.owner = owner
    self.setting = setting
  }

  deinit {
    scope.abandon()
    owner.giveBack(scope.connection)
  }

  /// Runs one statement and returns its rows.
  ///
  /// - Throws: `PostgresError`, after which the snapshot is of no use; `CancellationError`, likewise.
  public nonisolated(nonsending) func query(_ statement: Statement, _ parameters: [PostgresValue] = []) async throws -> Rows {
    let beginning = scope.hasBegun ? [] : [(Self.isolation, [])] + (setting.map { [$0.step] } ?? [])
    let rows = try await scope.run(beginning + [(statement, parameters)], commit: false)
    guard let rows = rows.last else { throw PostgresError.connection("the server gave no answer").named(statement.name) }
    return rows
  }
}
