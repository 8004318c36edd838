import Foundation

/// Spreads the mails to one domain, so that its servers are not overrun: pure.
///
/// A mail that would come too soon gets a time of its own after those that wait already, so that each is put off once.
struct DomainRateLimiter: Sendable {
  /// Mails a second; nil for as many as may be.
  let rate: Double?
  private var next: [String: Date] = [:]

  init(rate: Double?) {
    self.rate = rate
  }

  /// When a mail to `domain` may go out: `now`, or later.
  ///
  /// - Parameter isWaiting: Whether it has its time already, and this is it.
  mutating func slot(for domain: String, at now: Date, isWaiting: Bool = false) -> Date {
    guard let rate, !isWaiting else { return now }
    let slot = max(now, next[domain] ?? now)
    next[domain] = slot.addingTimeInterval(1 / rate)
    if next.count > Self.maximumDomains { next = next.filter { $0.value > now } }
    return slot
  }

  private static let maximumDomains = 10_000
}
