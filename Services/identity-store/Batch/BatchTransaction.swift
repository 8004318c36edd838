import Foundation
import Models
import Postgres

/// The batch is the transaction: load what it touches, decide each command, write the outcome, commit once.
struct BatchTransaction: Sendable {
  let pool: PostgresPool
  let loader = WorkingSetLoader()
  let writer: ChangeWriter
  let nameHash: NameHash
  /// How long a batch may take from its begin to its commit; one that takes longer is rolled back.
  let bound: Duration

  /// How long deciding may take; what is not decided by then is left for the next transaction, so that what is decided gets through.
  private var decisionBound: Duration { bound / 10 }

  /// Carries out `commands` and returns their replies, in order. Where deciding takes long it carries out the first ones, at least one, and
  /// returns as many replies.
  ///
  /// - Parameter together: Whether the commands are carried out all or not at all; they refer to each other then.
  /// - Parameter decided: Called when everything is loaded and decided, so that the next batch may begin.
  /// - Throws: `PostgresError`; ``BatchTimeLimitExceeded``. Nothing is written then, unless the error says that the outcome of the
  ///   commit is unknown; either way the batch can be run again, since recorded replies tell what was carried out.
  func run(
    _ commands: [ParsedCommand], together: Bool = false, touches: WriteSet, decided: @Sendable () -> Void
  ) async throws -> [Reply] {
    let now = Date.now
    return try await pool.transaction { transaction in
      let state = try await loader.load(touches, in: transaction)
      var decider = Decider(state: state, now: now, nameHash: nameHash)
      let replies = together ? decider.decideTogether(commands) : decide(commands, by: &decider)
      if replies.count == commands.count { decided() }
      let steps = try writer.steps(for: decider)
      guard !steps.isEmpty else { return replies }
      do {
        // The server looks at the time last thing before the commit, in the same round trip.
        _ = try await transaction.pipeline(steps + [(Self.withinBound, [.double(bound / .seconds(1))])], commit: true)
      } catch let error as PostgresError where error.statement == Self.withinBound.name {
        throw BatchTimeLimitExceeded(bound: bound)
      }
      return replies
    }
  }

  private func decide(_ commands: [ParsedCommand], by decider: inout Decider) -> [Reply] {
    let began = ContinuousClock.now
    var replies: [Reply] = []
    replies.reserveCapacity(commands.count)
    for command in commands {
      replies.append(decider.decide(command))
      if ContinuousClock.now - began > decisionBound { break }
    }
    return replies
  }

  /// Divides by zero where the transaction is older than it may get.
  private static let withinBound = Statement(
    "within bound",
    """
    select 1 / (clock_timestamp() < now() + make_interval(secs => $1))::int
    """)
}

/// A batch waited too long, for locks or for the database; it was rolled back.
struct BatchTimeLimitExceeded: Error, CustomStringConvertible {
  var bound: Duration
  var description: String { "the batch took longer than \(bound) and was rolled back" }
}
