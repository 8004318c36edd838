/// Measures how fast the mail server accepts mails.
///
/// The scheduler claims that many mails ahead, so that no connection waits for a claim and no mail stays claimed for long.
struct SendRate: Sendable {
  private var windowStart: ContinuousClock.Instant
  private var current = 0
  private var previous = 0

  /// The length of a measurement.
  static let window = Duration.milliseconds(250)

  /// Starts the first measurement at `now`.
  init(startingAt now: ContinuousClock.Instant = .now) {
    windowStart = now
  }

  /// Counts a mail that the server answered at `now`.
  mutating func count(at now: ContinuousClock.Instant) {
    let age = now - windowStart
    if age > Self.window {
      previous = age > Self.window * 2 ? 0 : current
      current = 0
      windowStart = now
    }
    current += 1
  }

  /// How many mails to claim ahead: as many as were sent in the last window or so far in the present one, and at most eight per connection.
  func claimAhead(connections: Int) -> Int { min(max(previous, current), connections * 8) }
}
