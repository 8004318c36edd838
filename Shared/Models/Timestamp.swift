import Foundation

/// The text form of times: RFC 3339 in UTC with milliseconds, such as `2026-01-31T09:30:00.000Z`.
public enum Timestamp {
  /// The text of a date, rounded to milliseconds.
  public static func text(_ date: Date) -> String {
    let milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded())
    let (days, ofDay) = milliseconds.quotientAndFloorRemainder(dividingBy: 86_400_000)
    let (year, month, day) = civil(fromDays: days)
    var text = Array(form.utf8)
    write(year, width: 4, at: 0, of: &text)
    write(month, width: 2, at: 5, of: &text)
    write(day, width: 2, at: 8, of: &text)
    write(ofDay / 3_600_000, width: 2, at: 11, of: &text)
    write(ofDay / 60_000 % 60, width: 2, at: 14, of: &text)
    write(ofDay / 1000 % 60, width: 2, at: 17, of: &text)
    write(ofDay % 1000, width: 3, at: 20, of: &text)
    let usual = String(decoding: text, as: UTF8.self)
    return (0...9999).contains(year) ? usual : String(year) + usual.dropFirst(4)
  }

  /// Parses RFC 3339 with or without fractions of a second; `nil` if `text` is malformed.
  public static func date(_ text: String) -> Date? {
    if let milliseconds = canonicalMilliseconds(text.utf8) { return Date(timeIntervalSince1970: Double(milliseconds) / 1000) }
    if let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) { return date }
    return try? Date(text, strategy: Date.ISO8601FormatStyle())
  }

  /// The fast path: milliseconds since 1970 of a text in the exact form of ``text(_:)``; `nil` for any other.
  private static func canonicalMilliseconds(_ text: String.UTF8View) -> Int64? {
    guard text.count == form.utf8.count else { return nil }
    var fields: [Int64] = [0, 0, 0, 0, 0, 0, 0]
    var field = 0
    for (byte, place) in zip(text, form.utf8) {
      if place == UInt8(ascii: "0") {
        guard case UInt8(ascii: "0")...UInt8(ascii: "9") = byte else { return nil }
        fields[field] = fields[field] * 10 + Int64(byte - UInt8(ascii: "0"))
      } else {
        guard byte == place else { return nil }
        field += 1
      }
    }
    let (year, month, day) = (fields[0], fields[1], fields[2])
    let days = days(year: year, month: month, day: day)
    // A day that does not exist in the month would become one of the next month.
    guard civil(fromDays: days) == (year, month, day), fields[3] < 24, fields[4] < 60, fields[5] < 60 else { return nil }
    return ((days * 24 + fields[3]) * 60 + fields[4]) * 60_000 + fields[5] * 1000 + fields[6]
  }

  private static let form = "0000-00-00T00:00:00.000Z"

  /// The days since 1970-01-01 of a date; the inverse of `civil(fromDays:)`.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = shiftedYear.quotientAndFloorRemainder(dividingBy: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// Writes the last `width` digits of a number over zeros.
  private static func write(_ number: Int64, width: Int, at start: Int, of text: inout [UInt8]) {
    var rest = number
    for position in stride(from: start + width - 1, through: start, by: -1) {
      text[position] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: abs(rest % 10))
      rest /= 10
    }
  }

  /// The date in the proleptic Gregorian calendar of a number of days since 1970-01-01.
  private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, dayOfEra) = (days + 719_468).quotientAndFloorRemainder(dividingBy: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}

extension Int64 {
  /// Division that rounds down, for times before 1970.
  fileprivate func quotientAndFloorRemainder(dividingBy divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
