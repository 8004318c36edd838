import Foundation

/// When a failed delivery is attempted again, and when deliveries have failed for so long that the endpoint is disabled.
struct WebhookRetrySchedule: Sendable, Hashable {
  /// The delays after the first failures, in seconds. The last one repeats.
  var delays: [TimeInterval] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 8 * 3600]
  /// How long an event is attempted until the endpoint is disabled, in seconds.
  var limit: TimeInterval = 3 * 86_400

  /// The time of the next attempt. The last one is made when the event was attempted for long enough, and not up to a delay later.
  ///
  /// - Parameters:
  ///   - failures: The number of failed attempts, at least 1.
  ///   - firstFailedAt: When the first of them was made; `nil` if it is unknown.
  ///   - jitter: From 0 to 1. Spreads the attempts of deliveries that failed at the same time, by up to a fifth of the delay in each direction.
  func nextAttempt(afterFailures failures: Int, since firstFailedAt: Date? = nil, now: Date, jitter: Double) -> Date {
    let delay = delays[min(max(0, failures - 1), delays.count - 1)]
    let next = now.addingTimeInterval(delay * (0.8 + 0.4 * jitter))
    guard let end = firstFailedAt?.addingTimeInterval(limit), end > now else { return next }
    return min(next, end)
  }

  /// Whether an event whose first attempt failed at `firstFailedAt` was attempted for long enough.
  func isExhausted(firstFailedAt: Date, now: Date) -> Bool {
    now.timeIntervalSince(firstFailedAt) >= limit
  }
}
