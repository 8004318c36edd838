import Foundation

/// Decides what an attempt means for an invitation: pure.
struct RetrySchedule: Sendable, Hashable {
  /// The pause after the first attempt; doubles with each one that follows.
  var first: Duration
  /// The most that the pause grows to.
  var longest: Duration
  /// How old an invitation may get; one that is older fails with the last answer.
  var giveUp: Duration

  /// What becomes of an invitation.
  enum Verdict: Sendable, Hashable {
    case sent(answer: String)
    case failed(answer: String)
    /// This mail is tried again.
    case retry(at: Date, answer: String)
    /// The server is not there for any mail; it was no attempt at this one.
    case postponed(answer: String)
  }

  /// - Parameter attempts: How often the mail had been tried before this attempt.
  func verdict(on outcome: SMTPOutcome, attempts: Int, createdAt: Date, now: Date) -> Verdict {
    switch outcome {
    case .accepted(let reply):
      return .sent(answer: reply.words)
    case .refused(let reply, at: _) where !reply.isTransient:
      return .failed(answer: reply.words)
    case .refused(let reply, at: _):
      return retry(reply.words, attempts: attempts, createdAt: createdAt, now: now)
    case .interrupted(let reason):
      return retry(reason, attempts: attempts, createdAt: createdAt, now: now)
    case .unreachable(let reason):
      return .postponed(answer: reason)
    }
  }

  private func retry(_ answer: String, attempts: Int, createdAt: Date, now: Date) -> Verdict {
    guard now.timeIntervalSince(createdAt) < giveUp / .seconds(1) else {
      return .failed(answer: "given up after \(attempts + 1) attempts; the last answer: \(answer)")
    }
    return .retry(at: now.addingTimeInterval(pause(afterAttempts: attempts + 1) / .seconds(1)), answer: answer)
  }

  /// The pause before the next attempt, when there have been `attempts`.
  func pause(afterAttempts attempts: Int) -> Duration {
    min(longest, first * (1 << min(max(0, attempts - 1), 20)))
  }
}
