import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import SCIM

/// Processes batches of commands and returns a reply to each: the outcome of its decision, or 500 if it went to the dead letters.
struct CommandProcessor: Sendable {
  let transaction: BatchTransaction
  private let batches: BatchProcessor

  private let processed = Counter(label: "rollcall_store_commands_total")
  private let duration = Timer(label: "rollcall_store_batch_seconds")
  private let size = Recorder(label: "rollcall_store_batch_commands")

  /// - Parameter onProgress: Called after each transaction of a batch.
  init(
    transaction: BatchTransaction, deadLetters: DeadLetters, logger: Logger, onProgress: @escaping @Sendable () -> Void = {}
  ) {
    self.transaction = transaction
    batches = BatchProcessor(
      deadLetters: deadLetters,
      // A batch in progress is completed during a graceful shutdown, since clients wait for its replies.
      retryPolicy: RetryPolicy(firstDelay: .milliseconds(20), maximumDelay: .milliseconds(500), endsAtShutdown: false, logger: logger),
      counters: .init(
        retries: Counter(label: "rollcall_store_batch_retries_total"), rejected: Counter(label: "rollcall_store_poisoned_commands_total")),
      logger: logger, onProgress: onProgress)
  }

  /// Parses messages into commands. Messages that are not commands go to the dead letters.
  func commands(of messages: [Message]) async throws -> [ReceivedCommand] {
    try await batches.parse(messages) { try ReceivedCommand($0) }
  }

  /// Processes commands in the transactions of their ``BatchSchedule``, and returns the replies in the order of the commands.
  ///
  /// - Parameters:
  ///   - writeSet: The write set of all commands.
  ///   - onDecided: Called when everything is loaded and decided, so that the next batch may begin.
  ///   - onCommit: Called with the replies of each transaction after its commit.
  /// - Throws: `CancellationError`; the errors of `DeadLetters.send`.
  func process(
    _ commands: [ReceivedCommand], writeSet: WriteSet, onDecided: @escaping @Sendable () -> Void,
    onCommit: @escaping @Sendable ([(ReceivedCommand, Reply)]) async -> Void = { _ in }
  ) async throws -> [Reply] {
    try await measure(onDecided) {
      let transactions = BatchSchedule(commands).transactions
      var replies: [Int: Reply] = [:]
      for (number, positions) in transactions.enumerated() {
        let part = positions.map { commands[$0] }
        var operation = CommandTransaction(transaction: transaction, onCommit: onCommit)
        if transactions.count == 1 { operation.writeSet = (writeSet, commands: commands.count) }
        if number == transactions.count - 1 { operation.onDecided = (onDecided, last: part.last?.read.command.id) }
        for (position, reply) in zip(positions, try await batches.process(part, with: operation)) { replies[position] = reply }
      }
      return commands.indices.compactMap { replies[$0] }
    }
  }

  /// Processes commands that refer to each other atomically, in one transaction.
  ///
  /// - Throws: As ``process(_:writeSet:onDecided:onCommit:)``.
  func processAtomically(_ commands: [ReceivedCommand]) async throws -> [Reply] {
    try await measure {
      try await batches.process(commands, with: CommandTransaction(transaction: transaction, isAtomic: true))
    }
  }

  /// Processes the first of some commands, at least one, in one transaction, and returns their replies. Commands that fail together are
  /// processed one by one.
  ///
  /// - Parameter maximumErrors: The number of refusals after which no further command is processed; nil for no limit.
  /// - Throws: As ``process(_:writeSet:onDecided:onCommit:)``.
  func processFirst(of commands: [ReceivedCommand], maximumErrors: Int?) async throws -> [Reply] {
    try await measure {
      try await batches.processFirst(of: commands, with: CommandTransaction(transaction: transaction, maximumErrors: maximumErrors))
    }
  }

  private func measure(
    _ onDecided: @Sendable () -> Void = {}, _ body: () async throws -> [Reply]
  ) async throws -> [Reply] {
    let start = ContinuousClock.now
    let replies = try await body()
    onDecided()
    processed.increment(by: replies.count)
    size.record(replies.count)
    duration.record(duration: ContinuousClock.now - start)
    return replies
  }
}

/// The transaction of a batch of commands, with its error handling.
private struct CommandTransaction: BatchOperation {
  let transaction: BatchTransaction
  /// Whether the commands are processed atomically.
  var isAtomic = false
  /// The number of refusals after which no further command is processed.
  var maximumErrors: Int?
  /// A write set that is already computed, with the number of its commands.
  var writeSet: (WriteSet, commands: Int)?
  /// Called when the last command is decided.
  var onDecided: (@Sendable () -> Void, last: CommandID?)?
  var onCommit: @Sendable ([(ReceivedCommand, Reply)]) async -> Void = { _ in }

  var description: String { "batch" }

  func process(_ commands: [ReceivedCommand]) async throws -> [Reply] {
    let writeSet =
      if let known = writeSet, known.commands == commands.count { known.0 } else { WriteSet(of: commands.lazy.map(\.read)) }
    return try await transaction.run(commands.map(\.read), atomically: isAtomic, maximumErrors: maximumErrors, writeSet: writeSet) {
      if let (decided, last) = onDecided, commands.last?.read.command.id == last { decided() }
    }
  }

  /// Lost connections, deadlocks and serialization failures are retried without limit. Lost races (violations of a unique or foreign key)
  /// are retried up to five times, since the next attempt sees the rows of the other process. A batch that exceeds its time limit is
  /// retried once, since another transaction may have blocked it.
  func action(after error: any Error, _ attempt: BatchAttempt) -> FailureAction {
    let isWorthwhile =
      if isTimeout(error) {
        attempt.timeouts < 1
      } else if let error = error as? PostgresError {
        error.isTransient || ["23505", "23503"].contains(error.sqlState) && attempt.retries < 5
      } else {
        false
      }
    return isWorthwhile ? .retry : isAtomic ? .deadLetter : .divide
  }

  func isTimeout(_ error: any Error) -> Bool {
    error is BatchTimeLimitExceeded || (error as? PostgresError)?.isTimeout ?? false
  }

  /// After a timeout the batch is divided by workspace first, so that a slow workspace does not delay the others.
  func groups(of commands: [ReceivedCommand], after error: any Error) -> [[Int]] {
    let byWorkspace = Dictionary(grouping: commands.indices) { commands[$0].read.command.workspace }
    guard byWorkspace.count > 1, isTimeout(error) else { return commands.indices.map { [$0] } }
    return byWorkspace.values.sorted { $0[0] < $1[0] }
  }

  func isComplete(_ replies: [Reply]) -> Bool {
    maximumErrors.map { $0 <= replies.count { $0.outcome.isRefused } } ?? false
  }

  func message(of command: ReceivedCommand) -> Message { command.message }

  func metadata(of command: ReceivedCommand) -> Logger.Metadata {
    let command = command.read.command
    return [
      "command": "\(command.id)", "type": "\(command.operation.type)", "workspace": "\(command.workspace)",
      "resource": "\(command.resource)",
    ]
  }

  /// A rejected command is answered with 500.
  func output(ofRejected command: ReceivedCommand, error: any Error) -> Reply {
    let id = command.read.command.id
    let response = isTimeout(error) ? SCIMError.commandTimedOut(id) : SCIMError.commandFailed(id)
    return Reply(command: id, outcome: .refused(status: response.status, error: response.body()))
  }

  func didProcess(_ commands: [ReceivedCommand], outputs replies: [Reply]) async {
    await onCommit(Array(zip(commands, replies)))
  }
}
