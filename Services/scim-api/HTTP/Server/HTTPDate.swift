import Foundation
import Synchronization

/// The value of the `Date` header. Formatted at most once per second.
final class HTTPDate: Sendable {
  private let cached = Mutex<(second: Int, text: String)>((0, ""))

  var text: String {
    let now = Date()
    let second = Int(now.timeIntervalSince1970)
    return cached.withLock { cached in
      if cached.second != second { cached = (second, Self.text(now)) }
      return cached.text
    }
  }

  /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
  static func text(_ date: Date) -> String {
    date.formatted(
      Date.VerbatimFormatStyle(
        format: """
          \(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .padded(4)) \
          \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT
          """,
        locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
  }
}
