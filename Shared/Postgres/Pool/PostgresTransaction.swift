import Synchronization

/// A transaction on an exclusive connection; see ``PostgresPool/transaction(_:)``.
///
/// `begin` is sent in the round trip of the first statement, so a transaction without statements never reaches the server. If a statement
/// fails, the transaction fails: later statements throw the same error, and it is rolled back.
public final class PostgresTransaction: Sendable {
  private enum Phase {
    case notBegun
    case open
    /// The server has aborted it; only a rollback is possible.
    case failed(any Error)
    case committed
  }

  let connection: Connection
  private let phase = Mutex(Phase.notBegun)

  private static let begin = Statement("begin", "begin")
  private static let commit = Statement("commit", "commit")
  private static let rollback = Statement("rollback", "rollback")

  init(on connection: Connection) {
    self.connection = connection
  }

  /// Runs one statement and returns its rows.
  ///
  /// - Throws: `PostgresError`; `CancellationError`.
  public nonisolated(nonsending) func query(_ statement: Statement, _ parameters: [PostgresValue] = []) async throws -> Rows {
    try await pipeline([(statement, parameters)]).last(of: statement)
  }

  /// Runs `steps` in order in one round trip, and returns the rows of each.
  ///
  /// - Parameter commit: Whether to commit in the same round trip if all steps succeed. Nothing can follow.
  /// - Throws: `PostgresError` of the first step that failed; later steps were not executed. `CancellationError`.
  public nonisolated(nonsending) func pipeline(_ steps: [(Statement, [PostgresValue])], commit: Bool = false) async throws -> [Rows] {
    let commands = try steps.map { try Request.Command($0, $1) }
    guard !commands.isEmpty || commit else { return [] }
    let (request, hasBegin) = try enqueue(commands, commit: commit)
    do {
      // A commit ignores cancellation, so that its outcome is known.
      let rows = commit ? try await request.outcome.valueIgnoringCancellation() : try await request.outcome.value()
      if commit { try Self.checkCommit(rows.last) }
      return Array(rows[(hasBegin ? 1 : 0)..<(rows.count - (commit ? 1 : 0))])
    } catch {
      fail(error)
      if commit, let error = error as? PostgresError { throw Self.commitError(error) }
      throw error
    }
  }

  /// Whether a statement has been sent.
  var hasBegun: Bool {
    if case .notBegun = phase.withLock({ $0 }) { false } else { true }
  }

  private func enqueue(_ commands: [Request.Command], commit: Bool) throws -> (Request, hasBegin: Bool) {
    var commands = commands
    return try phase.withLock { phase in
      var hasBegin = false
      switch phase {
      case .notBegun:
        commands.insert(Request.Command(Self.begin), at: 0)
        hasBegin = true
      case .open: break
      case .failed(let error): throw error
      case .committed:
        throw PostgresError(sqlState: "25000", message: "the transaction has ended", statement: commands.first?.statement.name)
      }
      if commit { commands.append(Request.Command(Self.commit)) }
      phase = commit ? .committed : .open
      let request = Request(.commands(commands))
      connection.enqueue(request)
      return (request, hasBegin)
    }
  }

  private func fail(_ error: any Error) {
    phase.withLock { phase in
      if case .failed = phase { return }
      phase = .failed(error)
    }
    // The statement still runs on the server, so nothing else may be sent on this connection.
    if error is CancellationError { connection.close(.taskCancelled) }
  }

  /// The server answers the commit of a failed transaction with a rollback, and reports success.
  private static func checkCommit(_ rows: Rows?) throws(PostgresError) {
    guard rows?.commandTag == "COMMIT" else {
      throw PostgresError(sqlState: "25P02", message: "the transaction was rolled back instead", statement: commit.name)
    }
  }

  private static func commitError(_ error: PostgresError) -> PostgresError {
    guard error.isOutcomeUnknown else { return error }
    return .commitOutcomeUnknown(error)
  }
}

// MARK: - The end of a transaction

extension PostgresTransaction {
  /// Commits if anything was sent.
  ///
  /// - Throws: The error of the statement that failed, even if the body ignored it; `PostgresError` of the commit.
  fileprivate nonisolated(nonsending) func commit() async throws {
    switch phase.withLock({ $0 }) {
    case .notBegun, .committed: return
    case .failed(let error):
      await rollBack()
      throw error
    case .open: _ = try await pipeline([], commit: true)
    }
  }

  /// Rolls back and waits for it. If the rollback fails, the connection is closed, which has the same effect.
  fileprivate nonisolated(nonsending) func rollBack() async {
    guard let request = enqueueRollback() else { return }
    do {
      _ = try await request.outcome.valueIgnoringCancellation()
    } catch {
      connection.logger.debug("A rollback failed; its connection is closed", metadata: ["error": "\(error)"])
      connection.close(.connection("the transaction could not be rolled back"))
    }
  }

  /// Rolls back without waiting: later requests on the connection run after the rollback.
  func abandon() { _ = enqueueRollback() }

  /// Sends a rollback; nil if there is nothing to roll back.
  private func enqueueRollback() -> Request? {
    switch phase.withLock({ $0 }) {
    case .notBegun, .committed: return nil
    case .open, .failed: break
    }
    guard connection.isOpen else { return nil }
    let request = Request(.commands([Request.Command(Self.rollback)]))
    connection.enqueue(request)
    return request
  }
}

extension Connection {
  /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
  ///
  /// - Throws: What `body` throws; the error of a statement that failed, even if `body` ignored it; `PostgresError` of the commit.
  nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    let transaction = PostgresTransaction(on: self)
    let value: Value
    do {
      value = try await body(transaction)
    } catch {
      await transaction.rollBack()
      throw error
    }
    try await transaction.commit()
    return value
  }
}
