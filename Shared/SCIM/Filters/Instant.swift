/// A point in time with microsecond precision: the value of a dateTime attribute (RFC 7643 §2.3.5), regardless of its UTC offset.
public struct Instant: Sendable, Hashable, Comparable {
  /// The microseconds since 1970-01-01T00:00:00Z, without leap seconds.
  public let microseconds: Int64

  /// Creates an instant from the microseconds since 1970-01-01T00:00:00Z.
  public init(microseconds: Int64) { self.microseconds = microseconds }

  /// Parses a time such as `2026-01-31T09:30:00.5+01:00`, of the years 1 to 9999; nil for other text. Fractions are truncated to microseconds.
  public init?(_ text: String) {
    var rest = Array(text.utf8)[...]
    func digits(_ count: Int, _ range: ClosedRange<Int64>) -> Int64? {
      guard rest.count >= count, let number = Self.number(rest.prefix(count)), range.contains(number) else { return nil }
      rest.removeFirst(count)
      return number
    }
    func take(_ bytes: String) -> Bool {
      guard let first = rest.first, bytes.utf8.contains(first) else { return false }
      rest.removeFirst()
      return true
    }
    guard let year = digits(4, 1...9999), take("-"), let month = digits(2, 1...12), take("-"), let day = digits(2, 1...31),
      day <= Self.days(inMonth: month, of: year), take("Tt"), let hour = digits(2, 0...23), take(":"), let minute = digits(2, 0...59),
      take(":"), let second = digits(2, 0...59)
    else { return nil }
    var fraction: Int64 = 0
    if take(".") {
      let written = rest.prefix { (0x30...0x39).contains($0) }
      guard !written.isEmpty else { return nil }
      rest.removeFirst(written.count)
      for index in 0..<6 {
        fraction = fraction * 10 + (index < written.count ? Int64(written[written.startIndex + index] - 0x30) : 0)
      }
    }
    var offset: Int64 = 0
    if !take("Zz") {
      let isWest = rest.first == UInt8(ascii: "-")
      guard take("+-"), let hours = digits(2, 0...14), take(":"), let minutes = digits(2, 0...59) else { return nil }
      offset = (hours * 60 + minutes) * (isWest ? -60 : 60)
    }
    guard rest.isEmpty else { return nil }
    let seconds = Self.daysSince1970(year: year, month: month, day: day) * 86_400 + (hour * 60 + minute) * 60 + second - offset
    microseconds = seconds * 1_000_000 + fraction
  }

  public static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    var number: Int64 = 0
    for digit in digits {
      guard (0x30...0x39).contains(digit) else { return nil }
      number = number * 10 + Int64(digit - 0x30)
    }
    return number
  }

  private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// The days since 1970-01-01 in the proleptic Gregorian calendar. Years start in March here.
  private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let year = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
  }
}
