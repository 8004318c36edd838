import Foundation

/// Converts dates to and from binary `timestamptz`: microseconds since 2000-01-01 00:00 UTC; the two extremes are the infinities.
enum Timestamps {
  /// Microseconds from PostgreSQL's epoch to Foundation's reference date, 2001-01-01; 2000 was a leap year.
  private static let referenceDate: Int64 = 366 * 86_400 * 1_000_000

  /// The binary form of `date`; nil if it is out of range.
  static func microseconds(_ date: Date) -> Int64? {
    if date >= .distantFuture { return .max }
    if date <= .distantPast { return .min }
    let seconds = date.timeIntervalSinceReferenceDate
    // Seconds and fraction are converted separately; one product would be inexact for distant dates.
    let whole = seconds.rounded(.down)
    guard let wholeSeconds = Int64(exactly: whole) else { return nil }
    return wholeSeconds * 1_000_000 + Int64(((seconds - whole) * 1_000_000).rounded()) + referenceDate
  }

  /// The date of a binary `timestamptz`.
  static func date(_ microseconds: Int64) -> Date {
    switch microseconds {
    case .max: .distantFuture
    case .min: .distantPast
    default:
      // In two parts, so that distant dates are as exact as `Date` allows.
      Date(
        timeIntervalSinceReferenceDate: Double(microseconds / 1_000_000 - referenceDate / 1_000_000)
          + Double(microseconds % 1_000_000) / 1_000_000)
    }
  }
}
