import Foundation
import Models

/// Returns the texts of the TXT records of a name; see `TXTResolver`.
package typealias TXTRecords = @Sendable (_ name: String) async throws -> [String]

/// The TXT record that proves a mail domain, compared with what DNS has.
package enum MailDomainProof {
  /// A random token of 160 bits.
  package static func token() -> String {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
    var generator = SystemRandomNumberGenerator()
    return String((0..<32).compactMap { _ in alphabet.randomElement(using: &generator) })
  }

  /// Whether one of the records proves the domain. A domain that the operator asserts needs none.
  package static func isProven(_ domain: MailDomain, by records: [String]) -> Bool {
    guard let expected = domain.recordText else { return false }
    return records.contains { $0.trimmingCharacters(in: .whitespaces) == expected }
  }

  /// Why the records do not prove the domain, and what to do, as sentences.
  package static func explanation(_ domain: MailDomain, found: [String]) -> String {
    let seen =
      switch found.count {
      case 0: "It does not exist"
      case 1: "It is '\(found[0].prefix(200))'"
      default: "\(found.count) records exist, none of which has this text"
      }
    return """
      The TXT record \(domain.recordName) must have the text \(domain.recordText ?? ""). \(seen). Publish it, wait until your name servers \
      have it, and try again. Nothing was changed.
      """
  }

  /// The error of a text that is not a domain, as sentences.
  package static func malformed(_ text: String) -> String {
    "'\(text.prefix(260))' is not a domain such as example.com: at least two labels of letters, digits and inner dashes. Other scripts are in "
      + "their ASCII form, xn--…."
  }
}
