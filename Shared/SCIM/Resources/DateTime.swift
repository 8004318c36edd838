import Foundation

/// SCIM's dateTime, an xsd:dateTime with a time zone (RFC 7643 §2.3.5).
enum DateTime {
  static func isValid(_ text: String) -> Bool { date(text) != nil }

  /// The moment, to the millisecond; nil where `text` is no dateTime.
  static func date(_ text: String) -> Date? {
    let hasFraction = text.utf8.contains(UInt8(ascii: "."))
    let style = Date.ISO8601FormatStyle(includingFractionalSeconds: hasFraction)
    return try? style.parse(text)
  }
}
