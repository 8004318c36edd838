import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import SCIM

/// Runs batches to their end: retries what is transient, and isolates a poisoned command so that its neighbours get through.
struct BatchProcessor: Sendable {
  let transaction: BatchTransaction
  let deadLetters: DeadLetters
  let logger: Logger
  /// Called when a command of a batch that is run one by one is answered: the batch may take long.
  let completed: @Sendable () -> Void

  private let carriedOut = Counter(label: "rollcall_store_commands_total")
  private let poisoned = Counter(label: "rollcall_store_poisoned_commands_total")
  private let retried = Counter(label: "rollcall_store_batch_retries_total")
  private let duration = Timer(label: "rollcall_store_batch_seconds")
  private let size = Recorder(label: "rollcall_store_batch_size")

  init(
    transaction: BatchTransaction, deadLetters: DeadLetters, logger: Logger, completed: @escaping @Sendable () -> Void = {}
  ) {
    self.transaction = transaction
    self.deadLetters = deadLetters
    self.logger = logger
    self.completed = completed
  }

  /// The replies to `commands`, in order.
  ///
  /// - Parameters:
  ///   - together: Whether they are carried out all or not at all.
  ///   - decided: Called when everything is loaded and decided, so that the next batch may begin.
  ///   - committed: Called with what a transaction has carried out, where there may be several.
  /// - Throws: `CancellationError` alone: everything else is answered.
  func run(
    _ commands: [ReceivedCommand], together: Bool = false, touches: WriteSet, decided: @Sendable () -> Void,
    committed: @Sendable ([(ReceivedCommand, Reply)]) async -> Void = { _ in }
  ) async throws -> [Reply] {
    let began = ContinuousClock.now
    let replies =
      together
      ? try await carryOut(commands, together: true, touches: touches, decided: decided)
      : try await takeTurns(commands, touches: touches, decided: decided, committed: committed)
    decided()
    carriedOut.increment(by: commands.count)
    size.record(commands.count)
    duration.record(duration: ContinuousClock.now - began)
    return replies
  }

  /// Carries the commands out in the order of their ``BatchSchedule``.
  private func takeTurns(
    _ commands: [ReceivedCommand], touches: WriteSet, decided: @Sendable () -> Void,
    committed: @Sendable ([(ReceivedCommand, Reply)]) async -> Void
  ) async throws -> [Reply] {
    let transactions = BatchSchedule(commands).transactions
    var replies: [Int: Reply] = [:]
    for (number, positions) in transactions.enumerated() {
      let isLast = number == transactions.count - 1
      var rest = positions[...]
      while !rest.isEmpty {
        let part = rest.map { commands[$0] }
        let partTouches = part.count == commands.count ? touches : WriteSet(of: part.lazy.map(\.read))
        let answers = try await carryOut(part, touches: partTouches) { if isLast { decided() } }
        for (position, reply) in zip(rest, answers) { replies[position] = reply }
        await committed(Array(zip(part, answers)))
        rest = rest.dropFirst(answers.count)
      }
    }
    return commands.indices.compactMap { replies[$0] }
  }

  /// The replies to the first of `commands`, or to all.
  private func carryOut(
    _ commands: [ReceivedCommand], together: Bool = false, touches: WriteSet, decided: @Sendable () -> Void
  ) async throws -> [Reply] {
    var attempt = 0
    var overtimes = 0
    while true {
      do {
        return try await transaction.run(commands.map(\.read), together: together, touches: touches, decided: decided)
      } catch is CancellationError {
        throw CancellationError()
      } catch let error where Retry.isWorthwhile(after: error, attempt: attempt, overtimes: overtimes) {
        attempt += 1
        if Retry.isOvertime(error) { overtimes += 1 }
        retried.increment()
        logger.warning(
          "batch failed, trying again", metadata: ["error": "\(error)", "attempt": "\(attempt)", "commands": "\(commands.count)"])
        try await Task.sleep(for: Retry.delay(beforeAttempt: attempt))
      } catch {
        guard commands.count > 1, !together else {
          var replies: [Reply] = []
          for command in commands { replies.append(try await bury(command, error: error, attempts: attempt + 1)) }
          return replies
        }
        return try await split(commands, after: error)
      }
    }
  }

  /// Carries out the commands of a batch that failed in smaller batches: first the workspaces apart, then the commands, so that the culprit
  /// alone is refused.
  private func split(_ commands: [ReceivedCommand], after error: any Error) async throws -> [Reply] {
    let byWorkspace = Dictionary(grouping: commands.indices) { commands[$0].read.command.workspace }
    let parts =
      byWorkspace.count > 1 && Retry.isOvertime(error) ? byWorkspace.values.sorted { $0[0] < $1[0] } : commands.indices.map { [$0] }
    logger.error(
      "batch failed, running it in parts",
      metadata: ["error": "\(error)", "commands": "\(commands.count)", "parts": "\(parts.count)"])
    var replies: [Int: Reply] = [:]
    for positions in parts {
      var rest = positions[...]
      while !rest.isEmpty {
        let part = rest.map { commands[$0] }
        let answers = try await carryOut(part, touches: WriteSet(of: part.lazy.map(\.read)), decided: {})
        completed()
        for (position, reply) in zip(rest, answers) { replies[position] = reply }
        rest = rest.dropFirst(answers.count)
      }
    }
    return commands.indices.compactMap { replies[$0] }
  }

  /// Answers the culprit 500 and keeps it for the operator.
  private func bury(_ command: ReceivedCommand, error: any Error, attempts: Int) async throws -> Reply {
    poisoned.increment()
    logger.error(
      "command cannot be carried out; it goes to the dead letters",
      metadata: [
        "error": "\(error)", "command": "\(command.read.command.id)", "type": "\(command.read.command.operation.type)",
        "workspace": "\(command.read.command.workspace)", "resource": "\(command.read.command.resource)",
      ])
    try await deadLetters.send(command.message, error: "\(error)", attempts: attempts)
    let id = command.read.command.id
    let refusal = Retry.isOvertime(error) ? SCIMError.commandTimedOut(id) : SCIMError.commandFailed(id)
    return Reply(command: command.read.command.id, outcome: .refused(status: refusal.status, error: refusal.body()))
  }
}

/// When a failed batch is tried again, and after how long.
enum Retry {
  /// Lost connections are waited out for as long as it takes. Deadlocks, serialization failures and lost races (a unique or
  /// foreign key that another process won) are tried again a few times: the new attempt sees what won. What takes too long is tried again
  /// once, since another transaction may have held it up.
  ///
  /// - Parameter overtimes: How often the batch has taken too long already.
  static func isWorthwhile(after error: any Error, attempt: Int, overtimes: Int) -> Bool {
    if isOvertime(error) { return overtimes < 1 }
    guard let error = error as? PostgresError else { return false }
    if error.isTransient { return true }
    return ["23505", "23503"].contains(error.sqlState) && attempt < 5
  }

  /// Whether the batch, or a statement of it, took longer than it may.
  static func isOvertime(_ error: any Error) -> Bool {
    error is BatchTimeLimitExceeded || (error as? PostgresError)?.isTimeout ?? false
  }

  /// From 10 ms, doubling, up to half a second.
  static func delay(beforeAttempt attempt: Int) -> Duration {
    .milliseconds(min(500, 10 << min(attempt, 6)))
  }
}
