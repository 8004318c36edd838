import Foundation
import Models
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

  /// Processes commands and returns their replies, in order. If decisions take too long, only the first commands are processed (at least
  /// one), and fewer replies than commands are returned.
  ///
  /// - Parameters:
  ///   - maximumErrors: The number of refusals after which no further command is processed; nil for no limit.
  ///   - atomically: Whether either all commands are applied or none, because they refer to each other.
  ///   - onDecided: Called when all commands are loaded and decided, so that the next batch may begin.
  /// - Throws: `PostgresError`; ``BatchTimeLimitExceeded``. Nothing is written then, unless the error says that the outcome of the
  ///   commit is unknown. In either case the batch can be run again, since recorded replies show which commands were processed.
  func run(
    _ commands: [ParsedCommand], atomically: Bool = false, maximumErrors: Int? = nil, writeSet: WriteSet, onDecided: @Sendable () -> Void
  ) async throws -> [Reply] {
    let now = Date.now
    return try await pool.transaction { transaction in
      let state = try await loader.load(writeSet, in: transaction)
      var decider = Decider(state: state, now: now, nameHash: nameHash)
      let replies = atomically ? decider.decideTogether(commands) : decide(commands, by: &decider, maximumErrors)
      if replies.count == commands.count { onDecided() }
      let steps = try writer.steps(for: decider)
      guard !steps.isEmpty else { return replies }
      do {
        // The server checks the time as the last step before the commit, in the same round trip.
        let check = (Self.checkTimeLimit, [PostgresValue.double(timeLimit / .seconds(1))])
        _ = try await transaction.pipeline(steps + [check], commit: true)
      } catch let error as PostgresError where error.statement == Self.checkTimeLimit.name {
        throw BatchTimeLimitExceeded(timeLimit: timeLimit)
      }
      return replies
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

  /// Divides by zero when the transaction has exceeded its time limit.
  private static let checkTimeLimit = Statement(
    "within bound",
    """
    select 1 / (clock_timestamp() < now() + make_interval(secs => $1))::int
    """)
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
