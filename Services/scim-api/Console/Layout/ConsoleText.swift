import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives

/// Formats numbers, names and URLs for the pages.
enum ConsoleText {
  /// A number with thousands separators: `1,234`.
  static func number(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }

  /// A number with a noun: `1 request`, `1,234 requests`.
  static func count(_ number: Int, _ singular: String, _ plural: String) -> String {
    "\(Self.number(number)) \(number == 1 ? singular : plural)"
  }

  /// A URL query with its question mark. Omits parameters without a value; empty if all are.
  static func query(_ parameters: [(name: String, value: String?)]) -> String {
    let pairs = parameters.compactMap { name, value in value.map { "\(name)=\(percentEncoded($0))" } }
    return pairs.isEmpty ? "" : "?\(pairs.joined(separator: "&"))"
  }

  /// Percent-encodes all characters except the unreserved ones (RFC 3986 §2.3).
  static func percentEncoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        String(UnicodeScalar(byte))
      default: "%" + Hex.encode([byte], uppercase: true)
      }
    }.joined()
  }

  /// The display name of an identity provider.
  static func identityProvider(_ name: String) -> String {
    switch name {
    case "okta": "Okta"
    case "entra": "Entra ID"
    case "onelogin": "OneLogin"
    default: name
    }
  }

  /// An actor of the audit trail, such as `operator:ana`, for display.
  static func actor(_ actor: String) -> String {
    let components = actor.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard components.count == 2 else { return actor }
    let name = String(components[1])
    switch components[0] {
    case "console": return "\(name), at the console"
    case "operator": return "\(name), with scimctl"
    case "service": return "Rollcall itself (\(name))"
    case "token": return "the token \(name)"
    case "client": return "the OAuth client \(name)"
    default: return actor
    }
  }
}

extension String {
  /// The text with its first letter in upper case.
  var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }

  /// The text with its first letter in lower case.
  var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}

/// The links to the first and the next page of a list, for `{{>pager}}`.
struct Pager: Sendable, Equatable {
  var first: String?
  var next: String?
}

extension Pager {
  /// nil if the list has a single page.
  init?(ifNeeded first: String?, next: String?) {
    guard first != nil || next != nil else { return nil }
    self.init(first: first, next: next)
  }
}
