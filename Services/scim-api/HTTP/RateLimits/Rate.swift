/// A rate limit: a sustained rate and a burst.
package struct Rate: Sendable, Hashable {
  /// The sustained rate, in requests per second; 0 for no limit.
  package var perSecond: Double
  /// The maximum number of requests in a burst after a pause.
  package var burst: Int

  /// A limit of `perSecond` requests per second, with a burst of `burst` requests.
  package init(perSecond: Double, burst: Int) {
    self.perSecond = perSecond
    self.burst = burst
  }

  /// No limit.
  static let unlimited = Rate(perSecond: 0, burst: 0)

  var isUnlimited: Bool { perSecond <= 0 }
}

/// A token bucket: its capacity is the burst, each request takes one token, and tokens are added at the rate.
///
/// Its only state is the time at which it is full again, so full buckets need not be stored.
struct TokenBucket: Sendable, Hashable {
  /// When the bucket is full, in seconds of the caller's clock.
  private(set) var fullAt: Double

  /// A full bucket.
  init(at now: Double) {
    fullAt = now
  }

  /// The time until a token is available, in seconds; 0 if there is one.
  func wait(of rate: Rate, at now: Double) -> Double {
    guard !rate.isUnlimited else { return 0 }
    let missing = max(0, fullAt - now) * rate.perSecond + 1 - Double(max(1, rate.burst))
    // Tolerates rounding errors of up to a millionth of a token.
    return missing < 1e-6 ? 0 : missing / rate.perSecond
  }

  /// Takes a token. If none is available, the caller must wait for it first.
  mutating func take(of rate: Rate, at now: Double) {
    guard !rate.isUnlimited else { return }
    fullAt = max(fullAt, now) + 1 / rate.perSecond
  }

  /// Subtracts tokens that were taken elsewhere. The bucket may then owe tokens, for at most `maximumDebt` seconds.
  mutating func subtract(_ tokens: Int, of rate: Rate, at now: Double, maximumDebt: Double) {
    guard !rate.isUnlimited else { return }
    let latest = now + Double(max(1, rate.burst)) / rate.perSecond + maximumDebt
    fullAt = max(fullAt, min(max(fullAt, now) + Double(tokens) / rate.perSecond, latest))
  }
}
