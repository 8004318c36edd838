import Foundation
import MailTemplates
import Models
import Testing

@testable import InvitationMailer

@Suite("The message of an invitation")
struct InvitationComposerTests {
  private func message(_ notice: InvitationNotice? = nil) throws -> EmailMessage {
    try InvitationComposer(from: .rollcall).message(for: try notice ?? .sample(), at: .sample)
  }

  @Test func `contains the name, the workspace and the link, in text and HTML`() throws {
    let message = try message()
    #expect(message.recipient.address == "ana@example.com")
    #expect(message.sender.address == "invitations@rollcall.example")
    for form in [message.text, message.html] {
      #expect(form.contains("Hello Ana,"))
      #expect(form.contains("Acme Data"))
      #expect(!form.contains("{{"))
    }
    #expect(message.text.contains("\nhttps://acme.example.com/sign-in?sso=1&from=mail\n"))
    #expect(!message.text.contains("<"))
    #expect(message.html.contains(#"href="https://acme.example.com/sign-in?sso=1&amp;from=mail""#))
    #expect(message.html.hasPrefix("<!DOCTYPE html>"))
  }

  @Test func `is the same each time it is composed: the Message-ID is derived from the invitation`() throws {
    let message = try message()
    #expect(message.headers.map(\.line).contains("Message-ID: <0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f@rollcall.example>"))
    #expect(try self.message() == message)
  }

  @Test(arguments: [nil, "", "  "])
  func `has a greeting without a name if the name is unknown`(name: String?) throws {
    let message = try message(try .sample(givenName: name, displayName: nil))
    #expect(message.text.hasPrefix("Hello,"))
  }

  @Test func `shows names unchanged in text, and escaped in HTML`() throws {
    let message = try message(
      try .sample(givenName: #"<script>alert("x")</script>"#, workspace: "Müller & Söhne <img src=x onerror=alert(1)>"))
    #expect(message.text.contains(#"Hello <script>alert("x")</script>,"#))
    #expect(message.text.contains("Müller & Söhne <img"))
    #expect(!message.html.contains("<script"))
    #expect(!message.html.contains("<img"))
    #expect(message.html.contains("&lt;script&gt;"))
    #expect(message.html.contains("Müller &amp; Söhne &lt;img src=x onerror=alert(1)&gt;"))
  }

  @Test(arguments: ["\u{600}<b\u{600}>", "\"\u{301}<\u{338}b>\u{338}", "'\u{301}&\u{301}"])
  func `escapes characters with combining marks in HTML, and leaves text unchanged`(name: String) throws {
    let templates = [InvitationTemplate(language: "*", subject: "{{name}}", text: "{{name}} {{url}}", html: "<p>{{name}}</p>{{url}}")]
    for notice in [
      try InvitationNotice.sample(givenName: name, workspace: name), try .sample(givenName: name, workspace: name, templates: templates),
    ] {
      let message = try message(notice)
      for raw in ["\u{600}<", "\u{600}>", "<\u{338}", ">\u{338}", "\"\u{301}", "'\u{301}", "&\u{301}"] {
        #expect(!message.html.unicodeScalars.contains(raw.unicodeScalars), "\(raw.debugDescription)")
      }
      #expect(message.text.unicodeScalars.contains(name.unicodeScalars))
    }
  }

  @Test func `does not render a name as a template`() throws {
    let message = try message(try .sample(givenName: "{{email}}{{{url}}}", workspace: "{{#next}}"))
    #expect(message.text.contains("Hello {{email}}{{{url}}},"))
  }

  @Test(arguments: ["\r\nBcc: eve@example.com", "\nBcc: eve@example.com", "\u{0}\u{2028}Bcc: eve@example.com", "\r\n\r\n<html>"])
  func `has no header or line that a name injects`(injection: String) throws {
    let message = try message(
      try .sample(givenName: "Ana\(injection)", displayName: "Ana\(injection)", workspace: "Acme\(injection)"))
    #expect(message.headers.count == 7)
    for header in message.headers {
      // Folded lines begin with a space (RFC 5322 §2.2.3).
      for line in header.line.components(separatedBy: "\r\n").dropFirst() { #expect(line.hasPrefix(" ")) }
      let unfolded = header.line.replacing("\r\n", with: "")
      #expect(unfolded.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 })
      #expect(!unfolded.hasPrefix("Bcc"))
    }
    #expect(!message.text.split(whereSeparator: \.isNewline).contains { $0.hasPrefix("Bcc") })
  }

  @Test(arguments: [
    "", "ana", "ana@", "@example.com", "ana@example.com\r\nDATA", "ana @example.com", "<ana@example.com>",
    "ana@example.com,ben@example.com",
    "\"a b\"@example.com", String(repeating: "a", count: 250) + "@example.com",
  ])
  func `is not composed for an invalid address`(email: String) throws {
    #expect(throws: CompositionError.notAnAddress(email)) { try message(try .sample(email: email)) }
  }

  @Test(arguments: [
    "", "acme", "javascript:alert(1)", "ftp://acme.example.com", "https://", "https://acme.example.com/\r\nx", "https://a b/",
  ])
  func `is not composed with an invalid link`(url: String) throws {
    #expect(throws: CompositionError.notALink(url)) { try message(try .sample(url: url)) }
  }

  @Test func `does not reveal the address in the error`() {
    #expect(!CompositionError.notAnAddress("ana@example.com,").description.contains("ana"))
  }
}
