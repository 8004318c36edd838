import Foundation
import Logging

/// Decides what an attempt means for a mail: pure.
struct RetrySchedule: Sendable, Hashable {
  /// The pause after the first attempt; doubles with each one that follows.
  var first: Duration
  /// The most that the pause grows to.
  var longest: Duration
  /// For how long a mail is tried; one that is refused for longer has failed, with the last answer.
  var giveUp: Duration

  /// What becomes of a mail.
  enum Verdict: Sendable, Hashable {
    case sent(answer: String)
    /// The server does not take mail for this address.
    case bounced(answer: String)
    case failed(answer: String)
    /// There is nothing that could be sent, or nobody to send it to: the workspace's data do not make a mail.
    case unsendable(reason: String)
    /// This mail is tried again.
    case retry(at: Date, answer: String)
    /// The server is not there for any mail; it was no attempt at this one.
    case postponed(answer: String)

    /// How severe it is: an error is something that the operator can mend, a customer's wrong or missing address is not.
    var logLevel: Logger.Level {
      switch self {
      case .sent: .info
      case .failed: .error
      case .bounced, .unsendable, .retry, .postponed: .warning
      }
    }
  }

  /// - Parameters:
  ///   - attempts: How often the mail had been tried before this attempt.
  ///   - firstTriedAt: When it was tried first; nil where it was not.
  ///   - jitter: From 0 to 1; spreads what failed together, so that it does not come again together.
  func verdict(on outcome: SMTPOutcome, attempts: Int, firstTriedAt: Date?, now: Date, jitter: Double) -> Verdict {
    switch outcome {
    case .accepted(let reply):
      return .sent(answer: reply.words)
    case .refused(let reply, at: let phase) where !reply.isTransient:
      return phase == .recipient ? .bounced(answer: reply.words) : .failed(answer: reply.words)
    case .refused(let reply, at: _):
      return retry(reply.words, attempts: attempts, firstTriedAt: firstTriedAt, now: now, jitter: jitter)
    case .interrupted(let reason):
      return retry(reason, attempts: attempts, firstTriedAt: firstTriedAt, now: now, jitter: jitter)
    case .unreachable(let reason):
      return .postponed(answer: reason)
    }
  }

  private func retry(_ answer: String, attempts: Int, firstTriedAt: Date?, now: Date, jitter: Double) -> Verdict {
    guard now.timeIntervalSince(firstTriedAt ?? now) < giveUp / .seconds(1) else {
      return .failed(answer: "given up after \(attempts + 1) attempts; the last answer: \(answer)")
    }
    let pause = pause(afterAttempts: attempts + 1) / .seconds(1)
    return .retry(at: now.addingTimeInterval(pause * (0.75 + jitter / 2)), answer: answer)
  }

  /// The pause before the next attempt, when there have been `attempts`, in the middle of its spread.
  func pause(afterAttempts attempts: Int) -> Duration {
    min(longest, first * (1 << min(max(0, attempts - 1), 20)))
  }
}
