import Foundation
import Testing

@testable import MailTemplates

@Suite("Headers and addresses")
struct HeaderFieldTests {
  @Test(arguments: [
    ("You're invited to Acme", "Subject: You're invited to Acme"),
    ("Grüße", "Subject: =?UTF-8?B?R3LDvMOfZQ==?="),
    ("=?UTF-8?B?R3LDvMOfZQ==?=", "Subject: =?UTF-8?B?PT9VVEYtOD9CP1IzTER2TU9mWlE9PT89?="),
    ("two\r\nlines", "Subject: two lines"),
  ])
  func `Text is encoded if necessary`(text: String, line: String) {
    #expect(HeaderField("Subject", text: text).line == line)
  }

  @Test(arguments: [
    (nil, "To: ana@example.com"), ("Ana Lopez", "To: Ana Lopez <ana@example.com>"),
    ("Lopez, Ana", #"To: "Lopez, Ana" <ana@example.com>"#), (#"Ana "the\one""#, #"To: "Ana \"the\\one\"" <ana@example.com>"#),
    ("Zoë", "To: =?UTF-8?B?Wm/Dqw==?= <ana@example.com>"), ("", "To: ana@example.com"),
  ])
  func `Display names are atoms, quoted strings or encoded words`(name: String?, line: String) throws {
    let address = try #require(MailAddress(name: name, address: "ana@example.com"))
    #expect(HeaderField("To", addresses: [address]).line == line)
  }

  @Test(arguments: ["a", "ä", "山", "🍎", "word "])
  func `Long text is folded into lines of at most 76 octets, and no character is cut`(unit: String) {
    let line = HeaderField("Subject", text: String(repeating: unit, count: 300)).line
    let lines = line.components(separatedBy: "\r\n")
    #expect(lines.count > 1)
    #expect(lines.allSatisfy { $0.utf8.count <= 76 })
    if unit != "word " {
      let words = line.replacing("\r\n", with: "").split(separator: " ").dropFirst()
      let decoded = words.map { word in
        String(decoding: Data(base64Encoded: String(word.dropFirst(10).dropLast(2))) ?? Data(), as: UTF8.self)
      }
      #expect(decoded.joined() == String(repeating: unit, count: 300))
    }
  }

  @Test(arguments: [
    ("invitations@example.com", nil, "invitations@example.com"),
    (" Rollcall <invitations@example.com> ", "Rollcall", "invitations@example.com"),
    (#""Rollcall, Inc." <invitations@example.com>"#, "Rollcall, Inc.", "invitations@example.com"),
    ("<rollcall@localhost>", nil, "rollcall@localhost"),
  ])
  func `A sender is parsed with or without a name`(text: String, name: String?, address: String) throws {
    let parsed = try #require(MailAddress(parsing: text))
    #expect(parsed.name == name)
    #expect(parsed.address == address)
  }

  @Test(arguments: ["", "Rollcall", "Rollcall <>", "Rollcall <a@b", "a@b> x"])
  func `An invalid sender is rejected`(text: String) {
    #expect(MailAddress(parsing: text) == nil)
  }

  @Test func `Dates have the format of RFC 5322`() {
    #expect(MailDate.text(.sample) == "Sat, 31 Jan 2026 09:05:07 +0000")
  }
}
