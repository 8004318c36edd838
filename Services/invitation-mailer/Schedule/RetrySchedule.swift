import Foundation
import Logging

/// The result of an attempt to send a mail.
enum DeliveryResult: Sendable, Hashable {
  /// The server accepted the mail.
  case sent(answer: String)
  /// The server rejected the recipient permanently.
  case bounced(answer: String)
  /// The mail failed permanently for another reason.
  case failed(answer: String)
  /// The mail cannot be composed from the workspace's data, for example because the address is missing.
  case unsendable(reason: String)
  /// The mail is tried again at the given time.
  case retry(at: Date, answer: String)
  /// The server is unavailable, for all mails. Does not count as an attempt.
  case postponed(answer: String)

  /// The log level of the result: an error is something that the operator can fix, a wrong or missing address is not.
  var logLevel: Logger.Level {
    switch self {
    case .sent: .info
    case .failed: .error
    case .bounced, .unsendable, .retry, .postponed: .warning
    }
  }

  /// Whether the mail server answered.
  var serverIsAvailable: Bool {
    if case .postponed = self { false } else { true }
  }
}

/// Exponential backoff for mails that the server rejects temporarily.
struct RetrySchedule: Sendable, Hashable {
  /// The delay after the first attempt. It doubles with each further attempt.
  var first: Duration
  /// The maximum delay.
  var longest: Duration
  /// How long a mail is retried before it counts as failed, with the last answer.
  var giveUp: Duration

  /// Returns the result of a mail after an attempt.
  ///
  /// - Parameters:
  ///   - attempts: The number of earlier attempts.
  ///   - firstTriedAt: When the first attempt was made; nil if this is the first.
  ///   - jitter: From 0 to 1. Spreads the retries of mails that failed at the same time.
  func result(of outcome: SMTPOutcome, attempts: Int, firstTriedAt: Date?, now: Date, jitter: Double) -> DeliveryResult {
    switch outcome {
    case .accepted(let reply):
      return .sent(answer: reply.line)
    case .refused(let reply, at: let phase) where !reply.isTransient:
      return phase == .recipient ? .bounced(answer: reply.line) : .failed(answer: reply.line)
    case .refused(let reply, at: _):
      return retry(reply.line, attempts: attempts, firstTriedAt: firstTriedAt, now: now, jitter: jitter)
    case .interrupted(let reason):
      return retry(reason, attempts: attempts, firstTriedAt: firstTriedAt, now: now, jitter: jitter)
    case .unreachable(let reason):
      return .postponed(answer: reason)
    }
  }

  private func retry(_ answer: String, attempts: Int, firstTriedAt: Date?, now: Date, jitter: Double) -> DeliveryResult {
    guard now.timeIntervalSince(firstTriedAt ?? now) < giveUp / .seconds(1) else {
      return .failed(answer: "given up after \(attempts + 1) attempts; the last answer: \(answer)")
    }
    let delay = delay(afterAttempts: attempts + 1) / .seconds(1)
    return .retry(at: now.addingTimeInterval(delay * (0.75 + jitter / 2)), answer: answer)
  }

  /// The delay before the next attempt, without jitter, after `attempts` attempts.
  func delay(afterAttempts attempts: Int) -> Duration {
    min(longest, first * (1 << min(max(0, attempts - 1), 20)))
  }
}
