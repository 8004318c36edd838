import Foundation
import Models
import Outbox
import Postgres
import ServiceKit
import Tracing

/// The database transaction of a batch: loads the write set, decides each command, writes the outcome, and commits once.
struct BatchTransaction: Sendable {
  let pool: PostgresPool
  let loader = WorkingSetLoader()
  let writer: ChangeWriter
  let nameHash: NameHash
  var webhookRules = WebhookRules()
  /// Publishes the messages of the batch; nil if they are left in the table.
  var relay: OutboxRelay?
  /// The maximum time from the begin of a batch to its commit. A batch that takes longer is rolled back.
  let timeLimit: Duration

  /// The maximum time for decisions. The remaining commands go into the next transaction.
  private var decisionTimeLimit: Duration { timeLimit / 10 }

  /// Processes commands and returns their replies, in order. If decisions take too long, only the first commands are processed (at least
  /// one), and fewer replies than commands are returned.
  ///
  /// - Parameters:
  ///   - atomically: Whether either all commands are applied or none, because they refer to each other.
  ///   - maximumErrors: The number of refusals after which no further command is processed; nil for no limit.
  ///   - onDecided: Called when all commands are loaded and decided, so that the next batch may begin.
  /// - Throws: `PostgresError`; ``BatchTimeLimitExceeded``. Nothing is written then, unless the error says that the outcome of the
  ///   commit is unknown. In either case the batch can be run again, since recorded replies show which commands were processed.
  func run(
    _ commands: [ParsedCommand], atomically: Bool = false, maximumErrors: Int? = nil, writeSet: WriteSet, onDecided: @Sendable () -> Void
  ) async throws -> [Reply] {
    // Whole milliseconds, as clients see it, so that a reply and a later read of the row agree.
    let now = Date(timeIntervalSince1970: (Date.now.timeIntervalSince1970 * 1000).rounded(.down) / 1000)
    return try await pool.transaction { transaction in
      let state = try await TraceContext.withSpan("load", ofKind: .client, attributes: Self.spanAttributes) {
        try await loader.load(writeSet, in: transaction)
      }
      var decider = Decider(state: state, now: now, nameHash: nameHash, webhookRules: webhookRules)
      let replies = atomically ? decider.decideTogether(commands) : decide(commands, by: &decider, maximumErrors)
      if replies.count == commands.count { onDecided() }
      let processed = Set(decider.recorded.map(\.reply.command))
      // Messages of commands that were processed before may still be in the table, because the process that wrote them ended, or did not learn
      // that its commit had succeeded. They come before those of this batch.
      if replies.contains(where: { !processed.contains($0.command) }) { relay?.wake() }
      let writes = try writer.writes(for: decider, within: timeLimit)
      if !writes.steps.isEmpty { try await commit(writes, in: transaction) }
      return replies
    }
  }

  private static let spanAttributes: SpanAttributes = ["db.system.name": "postgresql"]

  /// Writes, commits and publishes. The transaction holds the locks of all that it changes, so its place among the publishing transactions is
  /// that of its commit among those that change the same resources.
  private func commit(_ writes: ChangeWriter.Writes, in transaction: PostgresTransaction) async throws {
    do {
      try await TraceContext.withSpan("write and commit", ofKind: .client, attributes: Self.spanAttributes) {
        try await relay.publishing { deletion in
          let rows = try await transaction.pipeline(writes.steps + deletion, commit: true)
          return ((), try writes.storedMessages(rows))
        }
      }
    } catch let error as PostgresError where WriteStatements.isTimeLimit(error) {
      throw BatchTimeLimitExceeded(timeLimit: timeLimit)
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

/// The error for a batch that exceeded its time limit, waiting for locks or for the database, and was rolled back.
struct BatchTimeLimitExceeded: Error, CustomStringConvertible {
  var timeLimit: Duration
  var description: String { "the batch took longer than \(timeLimit) and was rolled back" }
}

extension Reply.Outcome {
  /// Whether the command was refused.
  var isRefused: Bool { if case .refused = self { true } else { false } }
}
