import Foundation

/// Limits the rate of mails to each recipient domain, so that the domain's servers are not overloaded.
///
/// A mail that exceeds the limit is assigned a time slot after those already waiting, so each mail is postponed at most once.
struct DomainRateLimiter: Sendable {
  /// Mails per second; nil for no limit.
  let rate: Double?
  private var next: [String: Date] = [:]

  /// Creates a limiter for `rate` mails per second.
  init(rate: Double?) {
    self.rate = rate
  }

  /// Returns when a mail to `domain` may be sent: `now` or later.
  ///
  /// - Parameter isWaiting: Whether the mail was postponed to a slot whose time has come.
  mutating func slot(for domain: String, at now: Date, isWaiting: Bool = false) -> Date {
    guard let rate, !isWaiting else { return now }
    let slot = max(now, next[domain] ?? now)
    next[domain] = slot.addingTimeInterval(1 / rate)
    if next.count > Self.maximumDomains { next = next.filter { $0.value > now } }
    return slot
  }

  private static let maximumDomains = 10_000
}
