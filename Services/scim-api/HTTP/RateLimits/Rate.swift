/// How many requests somebody may send: so many a second in the long run, and so many at once after a rest.
package struct Rate: Sendable, Hashable {
  /// Requests per second, sustained; 0 for no limit.
  package var perSecond: Double
  /// Requests at once after a pause.
  package var burst: Int

  /// A rate with a burst.
  package init(perSecond: Double, burst: Int) {
    self.perSecond = perSecond
    self.burst = burst
  }

  /// No limit.
  static let unlimited = Rate(perSecond: 0, burst: 0)

  var isUnlimited: Bool { perSecond <= 0 }
}

/// A token bucket: it holds as many tokens as the burst, a request takes one, and they come back at the rate.
///
/// What is kept is one number, the time at which the bucket will be full again; so a bucket that is full need not be kept.
struct TokenBucket: Sendable, Hashable {
  /// In seconds, on the clock of whoever asks.
  private(set) var fullAt: Double

  /// A full one.
  init(at now: Double) {
    fullAt = now
  }

  /// In how many seconds there will be a token; zero where there is one.
  func wait(of rate: Rate, at now: Double) -> Double {
    guard !rate.isUnlimited else { return 0 }
    let missing = max(0, fullAt - now) * rate.perSecond + 1 - Double(max(1, rate.burst))
    // Sums of fractions are not exact; a millionth of a token is none.
    return missing < 1e-6 ? 0 : missing / rate.perSecond
  }

  /// Takes a token, which is there or is waited for.
  mutating func take(of rate: Rate, at now: Double) {
    guard !rate.isUnlimited else { return }
    fullAt = max(fullAt, now) + 1 / rate.perSecond
  }
}
