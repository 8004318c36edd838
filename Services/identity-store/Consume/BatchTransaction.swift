import Foundation
import Models
import Outbox
import Postgres

/// The database transaction of a batch: loads the write set, decides each command, writes the outcome, and commits once.
struct BatchTransaction: Sendable {
  let pool: PostgresPool
  let loader = WorkingSetLoader()
  let writer: ChangeWriter
  let nameHash: NameHash
  /// The maximum time from the begin of a batch to its commit. A batch that takes longer is rolled back.
  let timeLimit: Duration

  /// The maximum time for decisions. The remaining commands go into the next transaction.
  private var decisionTimeLimit: Duration { timeLimit / 10 }

  /// Processes commands and returns their results, in order. If decisions take too long, only the first commands are processed (at least
  /// one), and fewer results than commands are returned.
  ///
  /// - Parameters:
  ///   - atomically: Whether either all commands are applied or none, because they refer to each other.
  ///   - maximumErrors: The number of refusals after which no further command is processed; nil for no limit.
  ///   - onDecided: Called when all commands are loaded and decided, so that the next batch may begin.
  /// - Throws: `PostgresError`; ``BatchTimeLimitExceeded``. Nothing is written then, unless the error says that the outcome of the
  ///   commit is unknown. In either case the batch can be run again, since recorded replies show which commands were processed.
  func run(
    _ commands: [ParsedCommand], atomically: Bool = false, maximumErrors: Int? = nil, writeSet: WriteSet, onDecided: @Sendable () -> Void
  ) async throws -> [CommandResult] {
    // Whole milliseconds, as clients see it, so that a reply and a later read of the row agree.
    let now = Date(timeIntervalSince1970: (Date.now.timeIntervalSince1970 * 1000).rounded(.down) / 1000)
    return try await pool.transaction { transaction in
      let state = try await loader.load(writeSet, in: transaction)
      var decider = Decider(state: state, now: now, nameHash: nameHash)
      let replies = atomically ? decider.decideTogether(commands) : decide(commands, by: &decider, maximumErrors)
      if replies.count == commands.count { onDecided() }
      let writes = try writer.writes(for: decider, within: timeLimit)
      guard !writes.steps.isEmpty else { return results(replies, of: decider, []) }
      do {
        let rows = try await transaction.pipeline(writes.steps, commit: true)
        return results(replies, of: decider, try writes.storedMessages(rows))
      } catch let error as PostgresError where WriteStatements.isTimeLimit(error) {
        throw BatchTimeLimitExceeded(timeLimit: timeLimit)
      }
    }
  }

  /// The replies with the stored messages, which are in the order of the events.
  private func results(_ replies: [Reply], of decider: Decider, _ stored: [StoredMessage]) -> [CommandResult] {
    let processed = Set(decider.recorded.map(\.reply.command))
    var messages = Dictionary(grouping: zip(decider.events, stored)) { $0.0.command }
    return replies.map { reply in
      // A batch may contain a command twice.
      let caused = messages.removeValue(forKey: reply.command) ?? []
      return CommandResult(reply: reply, messages: caused.map(\.1), isRepeated: !processed.contains(reply.command))
    }
  }

  private func decide(_ commands: [ParsedCommand], by decider: inout Decider, _ maximumErrors: Int?) -> [Reply] {
    let start = ContinuousClock.now
    var errors = 0
    var replies: [Reply] = []
    replies.reserveCapacity(commands.count)
    for command in commands {
      let reply = decider.decide(command)
      replies.append(reply)
      if reply.outcome.isRefused { errors += 1 }
      if errors == maximumErrors { break }
      if ContinuousClock.now - start > decisionTimeLimit { break }
    }
    return replies
  }
}

/// The result of a command.
struct CommandResult: Sendable {
  var reply: Reply
  /// The messages that the command wrote to the outbox. Empty if the command was processed before.
  var messages: [StoredMessage] = []
  /// Whether the command was processed by an earlier transaction. Its messages may still be in the outbox.
  var isRepeated = false
}

/// The error for a batch that exceeded its time limit, waiting for locks or for the database, and was rolled back.
struct BatchTimeLimitExceeded: Error, CustomStringConvertible {
  var timeLimit: Duration
  var description: String { "the batch took longer than \(timeLimit) and was rolled back" }
}

extension Reply.Outcome {
  /// Whether the command was refused.
  var isRefused: Bool { if case .refused = self { true } else { false } }
}
