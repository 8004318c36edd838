import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog

/// How the pages of *Provisioning* put things.
enum ProvisioningText {
  /// With separators of thousands: `1,234`.
  static func number(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return number < 0 ? "-\(text)" : text
  }

  /// `1 request`, `1,234 requests`.
  static func count(_ number: Int, _ one: String, _ many: String) -> String { "\(Self.number(number)) \(number == 1 ? one : many)" }

  /// What a URL's query is made of, those without a value left out; empty or with its question mark.
  static func query(_ parameters: [(name: String, value: String?)]) -> String {
    let pairs = parameters.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }
    return pairs.isEmpty ? "" : "?\(pairs.joined(separator: "&"))"
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }

  /// What people call an identity provider.
  static func identityProvider(_ name: String) -> String {
    switch name {
    case "okta": "Okta"
    case "entra": "Entra ID"
    case "onelogin": "OneLogin"
    default: name
    }
  }

  /// The day in UTC, as `2026-01-31`.
  static func day(_ date: Date) -> String { String(Timestamp.text(date).prefix(10)) }

  /// The beginning of a day in UTC; nil where `day` is none, or not written as ``day(_:)`` does.
  static func date(ofDay day: String) -> Date? {
    guard day.utf8.count == 10, let date = Timestamp.date("\(day)T00:00:00.000Z"), Self.day(date) == day else { return nil }
    return date
  }

  /// The beginning of the day in UTC.
  static func startOfDay(_ date: Date) -> Date {
    Date(timeIntervalSince1970: (date.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400)
  }
}

/// The beginning and the next part of a list.
struct ProvisioningPager: Sendable, Equatable {
  var first: String?
  var next: String?

  /// nil where there is nothing but this part.
  init?(first: String?, next: String?) {
    guard first != nil || next != nil else { return nil }
    self.first = first
    self.next = next
  }
}
