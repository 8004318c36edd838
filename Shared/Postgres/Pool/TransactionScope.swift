import Synchronization

/// One transaction on an exclusive connection, from its first statement to its end.
///
/// `begin` travels with the first statements; a transaction without any never reaches the server.
final class TransactionScope: Sendable {
  private enum Phase {
    case notBegun
    case open
    /// The server has given it up; only a rollback is left.
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

  /// Sends `steps` in one round trip, with the begin where it is the first and the commit where it is to be the last.
  nonisolated(nonsending) func run(_ steps: [(Statement, [PostgresValue])], commit: Bool) async throws -> [Rows] {
    var commands: [Request.Command] = []
    commands.reserveCapacity(steps.count + 2)
    for (statement, parameters) in steps {
      commands.append(Request.Command(statement: statement, parameters: try EncodedParameters(parameters, of: statement)))
    }
    guard !commands.isEmpty || commit else { return [] }
    let (request, hasBegin) = try enqueue(commands, commit: commit)
    do {
      // A commit that is under way is seen through, so that its outcome is known.
      let rows = commit ? try await request.outcome.valueDespiteCancellation() : try await request.outcome.value()
      if commit { try Self.checkCommit(rows.last) }
      return Array(rows[(hasBegin ? 1 : 0)..<(rows.count - (commit ? 1 : 0))])
    } catch {
      fail(error)
      if commit, let error = error as? PostgresError { throw Self.commitError(error) }
      throw error
    }
  }

  private func enqueue(_ commands: [Request.Command], commit: Bool) throws -> (Request, hasBegin: Bool) {
    var commands = commands
    return try phase.withLock { phase in
      var hasBegin = false
      switch phase {
      case .notBegun:
        commands.insert(Request.Command(statement: Self.begin, parameters: .none), at: 0)
        hasBegin = true
      case .open: break
      case .failed(let error): throw error
      case .committed:
        throw PostgresError(sqlState: "25000", message: "the transaction has ended", statement: commands.first?.statement.name)
      }
      if commit { commands.append(Request.Command(statement: Self.commit, parameters: .none)) }
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
    // Its statement still runs on the server; nothing else may be sent behind it.
    if error is CancellationError { connection.close(.connection("the task that used the connection was cancelled")) }
  }

  /// Makes what was done permanent, where anything was.
  ///
  /// - Throws: The error of the statement that failed, though the body swallowed it; `PostgresError` of the commit.
  nonisolated(nonsending) func commit() async throws {
    switch phase.withLock({ $0 }) {
    case .notBegun, .committed: return
    case .failed(let error):
      await rollBack()
      throw error
    case .open: _ = try await run([], commit: true)
    }
  }

  /// Gives up what was done. A connection that does not even do that is closed, which comes to the same.
  nonisolated(nonsending) func rollBack() async {
    switch phase.withLock({ $0 }) {
    case .notBegun, .committed: return
    case .open, .failed: break
    }
    guard connection.isOpen else { return }
    let request = Request(.commands([Request.Command(statement: Self.rollback, parameters: .none)]))
    connection.enqueue(request)
    do {
      _ = try await request.outcome.valueDespiteCancellation()
    } catch {
      connection.logger.debug("A rollback failed; its connection is closed", metadata: ["error": "\(error)"])
      connection.close(.connection("the transaction could not be rolled back"))
    }
  }

  var hasBegun: Bool {
    if case .notBegun = phase.withLock({ $0 }) { false } else { true }
  }

  /// Gives up a transaction without waiting for it: whatever the connection does next comes behind the rollback.
  func abandon() {
    switch phase.withLock({ $0 }) {
    case .notBegun, .committed: return
    case .open, .failed: break
    }
    guard connection.isOpen else { return }
    connection.enqueue(Request(.commands([Request.Command(statement: Self.rollback, parameters: .none)])))
  }

  /// The server answers the commit of a failed transaction with a rollback, and calls that a success.
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
