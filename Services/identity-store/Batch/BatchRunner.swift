import Kafka
import Logging
import Metrics
import Models
import Postgres

/// Runs batches to their end: retries what is transient, and isolates a poisoned command so that its neighbours get through.
struct BatchRunner: Sendable {
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
  /// - Parameter together: Whether they are carried out all or not at all.
  /// - Throws: `CancellationError` alone: everything else is answered.
  func run(
    _ commands: [ReceivedCommand], together: Bool = false, touches: Touches, decided: @Sendable () -> Void
  ) async throws -> [Reply] {
    let began = ContinuousClock.now
    let replies = try await carryOut(commands, together: together, touches: touches, decided: decided)
    decided()
    carriedOut.increment(by: commands.count)
    size.record(commands.count)
    duration.record(duration: ContinuousClock.now - began)
    return replies
  }

  private func carryOut(
    _ commands: [ReceivedCommand], together: Bool = false, touches: Touches, decided: @Sendable () -> Void
  ) async throws -> [Reply] {
    var attempt = 0
    while true {
      do {
        return try await transaction.run(commands.map(\.read), together: together, touches: touches, decided: decided)
      } catch is CancellationError {
        throw CancellationError()
      } catch let error where Retry.isWorthwhile(after: error, attempt: attempt) {
        attempt += 1
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
        logger.error(
          "batch failed, running its commands one by one", metadata: ["error": "\(error)", "commands": "\(commands.count)"])
        var replies: [Reply] = []
        for command in commands {
          replies += try await carryOut([command], touches: Touches(of: [command.read]), decided: {})
          completed()
        }
        return replies
      }
    }
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
    let refusal = Refusal.failed(command.read.command.id)
    return Reply(command: command.read.command.id, outcome: .refused(status: refusal.status, error: refusal.body()))
  }
}

/// When a failed batch is tried again, and after how long.
enum Retry {
  /// Lost connections are waited out for as long as it takes. Deadlocks, serialization failures and lost races (a unique or
  /// foreign key that another process won) are tried again a few times: the new attempt sees what won.
  static func isWorthwhile(after error: any Error, attempt: Int) -> Bool {
    if error is BatchOutlastedItsBound { return true }
    guard let error = error as? PostgresError else { return false }
    if error.isTransient { return true }
    return ["23505", "23503"].contains(error.sqlState) && attempt < 5
  }

  /// From 10 ms, doubling, up to half a second.
  static func delay(beforeAttempt attempt: Int) -> Duration {
    .milliseconds(min(500, 10 << min(attempt, 6)))
  }
}
