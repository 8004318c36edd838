/// Limits how many traces start per second: a token bucket that holds the traces of one second, at least one.
struct TraceRateLimiter {
  private let rate: Double
  private let capacity: Double
  private var tokens: Double
  private var filledAt: ContinuousClock.Instant

  /// - Parameter rate: The number of traces per second; 0 for none.
  init(rate: Double, now: ContinuousClock.Instant) {
    self.rate = max(0, rate)
    capacity = rate > 0 ? max(1, rate) : 0
    tokens = capacity
    filledAt = now
  }

  /// Whether another trace may start at `now`.
  mutating func admits(at now: ContinuousClock.Instant) -> Bool {
    if now > filledAt {
      tokens = min(capacity, tokens + (now - filledAt) / .seconds(1) * rate)
      filledAt = now
    }
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
