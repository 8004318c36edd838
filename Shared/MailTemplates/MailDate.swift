import Foundation

/// Times as mails have them: `Mon, 24 Nov 2025 02:22:37 +0000` (RFC 5322 §3.3).
enum MailDate {
  static func text(_ time: Date) -> String {
    let utc = Date.VerbatimFormatStyle(
      format:
        "\(weekday: .abbreviated), \(day: .defaultDigits) \(month: .abbreviated) \(year: .defaultDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) +0000",
      locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian))
    return time.formatted(utc)
  }
}
