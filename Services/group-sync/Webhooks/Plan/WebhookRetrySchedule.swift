import Foundation

/// When a failed delivery is attempted again, and when deliveries have failed for so long that the endpoint is disabled.
struct WebhookRetrySchedule: Sendable, Hashable {
  /// The delays after the first failures, in seconds. The last one repeats.
  var delays: [TimeInterval] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600]
  /// How long an event is attempted until the endpoint is disabled, in seconds.
  var limit: TimeInterval = 3 * 86_400

  /// The time of the next attempt.
  ///
  /// - Parameters:
  ///   - failures: The number of failed attempts, at least 1.
  ///   - jitter: From 0 to 1. Spreads the attempts of deliveries that failed at the same time, by up to a fifth of the delay in each direction.
  func nextAttempt(afterFailures failures: Int, now: Date, jitter: Double) -> Date {
    let delay = delays[min(max(0, failures - 1), delays.count - 1)]
    return now.addingTimeInterval(delay * (0.8 + 0.4 * jitter))
  }

  /// Whether an event whose first attempt failed at `firstFailedAt` was attempted for long enough.
  func isExhausted(firstFailedAt: Date, now: Date) -> Bool {
    now.timeIntervalSince(firstFailedAt) >= limit
  }
}
