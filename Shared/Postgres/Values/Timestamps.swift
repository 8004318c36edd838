import Foundation

/// `timestamptz` in binary: microseconds since 2000-01-01 00:00 UTC, with the two extremes for the infinities.
enum Timestamps {
  /// From PostgreSQL's epoch to Foundation's reference date, 2001-01-01; 2000 was a leap year.
  private static let referenceDate: Int64 = 366 * 86_400 * 1_000_000

  /// The binary form of `date`; nil where no `timestamptz` can hold it.
  static func microseconds(_ date: Date) -> Int64? {
    if date >= .distantFuture { return .max }
    if date <= .distantPast { return .min }
    let seconds = date.timeIntervalSinceReferenceDate
    // Whole seconds apart from the fraction: the product of both would not be exact for far dates.
    let whole = seconds.rounded(.down)
    guard let wholeSeconds = Int64(exactly: whole) else { return nil }
    return wholeSeconds * 1_000_000 + Int64(((seconds - whole) * 1_000_000).rounded()) + referenceDate
  }

  static func date(_ microseconds: Int64) -> Date {
    switch microseconds {
    case .max: .distantFuture
    case .min: .distantPast
    default:
      // In two parts, since a date of 1970 and one of 2500 are both to be exact to the microsecond where Date can be.
      Date(
        timeIntervalSinceReferenceDate: Double(microseconds / 1_000_000 - referenceDate / 1_000_000)
          + Double(microseconds % 1_000_000) / 1_000_000)
    }
  }
}
