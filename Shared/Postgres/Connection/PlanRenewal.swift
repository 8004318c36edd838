/// When a connection's plans are made anew, where statements are planned once: ``PostgresConfiguration/Planning/onceByIndex``.
///
/// A plan that was made while a table was empty can be the wrong one a second later, since with nothing in it every index is as good; the
/// server itself notices only when it analyses the table, which takes a minute. So plans are renewed soon at first, and then ever less.
struct PlanRenewal: Sendable {
  static let statement = Statement("renew plans", "discard plans")

  private static let first = Duration.seconds(1)
  private static let longest = Duration.seconds(60)

  private var due: ContinuousClock.Instant
  private var interval = first

  init(from now: ContinuousClock.Instant) {
    due = now + Self.first
  }

  /// Whether to renew them now; to be asked whenever there is something to send.
  mutating func isDue(at now: ContinuousClock.Instant) -> Bool {
    guard now >= due else { return false }
    interval = min(interval * 2, Self.longest)
    due = now + interval
    return true
  }
}
