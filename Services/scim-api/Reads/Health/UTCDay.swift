import Foundation
import Models

/// Days in UTC, as text in the format `2026-01-31`.
package enum UTCDay {
  /// The day of `date`.
  package static func text(_ date: Date) -> String { String(Timestamp.text(date).prefix(10)) }

  /// The start of a day; nil if `day` is not a valid day in the format of ``text(_:)``.
  package static func start(of day: String) -> Date? {
    guard day.utf8.count == 10, let date = Timestamp.date("\(day)T00:00:00.000Z"), text(date) == day else { return nil }
    return date
  }

  /// The start of the day of `date`.
  package static func start(of date: Date) -> Date {
    Date(timeIntervalSince1970: (date.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
  }
}
