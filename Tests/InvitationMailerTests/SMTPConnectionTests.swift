import MailTemplates
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("A mail sent with libcurl", .timeLimit(.minutes(10)))
struct SMTPConnectionTests {
  @Test func `has text and HTML alternatives, and the given headers`() async throws {
    let catcher = try await MailCatcher()
    let outcome = await SMTPConnection(SMTPServer(url: catcher.url), name: "smtp").send(try .sample())
    #expect(outcome == .accepted(SMTPReply(code: 250, text: "2.0.0 OK: kept")))
    let mails = try await catcher.mails()
    let mail = try #require(mails.first)
    #expect(mails.count == 1)
    #expect(mail.contentType == "multipart/alternative")
    #expect(mail.parts.map(\.contentType) == ["text/plain", "text/html"])
    #expect(mail.defects.isEmpty)
    #expect(mail["Subject"] == "You're invited to Acme Data")
    #expect(mail["From"] == "Rollcall <invitations@rollcall.example>")
    #expect(mail["To"] == "Ana Lopez <ana@example.com>")
    #expect(mail["Message-ID"] == "<0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f@rollcall.example>")
    #expect(mail["Date"] == "Sat, 31 Jan 2026 09:05:07 +0000")
    #expect(mail["Auto-Submitted"] == "auto-generated")
    #expect(mail["MIME-Version"] == "1.0")
    #expect(mail.headers.count { $0.name.lowercased() == "content-type" } == 1)
    #expect(mail["X-Catcher-From"] == "invitations@rollcall.example")
    #expect(mail.recipient == "ana@example.com")
    #expect(mail.text?.contains("https://acme.example.com/sign-in?sso=1&from=mail") == true)
    #expect(mail.html?.contains(#"href="https://acme.example.com/sign-in?sso=1&amp;from=mail""#) == true)
  }

  @Test func `has short lines and decodes to the original text`() async throws {
    let catcher = try await MailCatcher()
    let message = try EmailMessage.sample(
      displayName: "山田 太郎 (株式会社アクメデータソリューションズ)", workspace: "Müller & Söhne — Größte Äpfel im ganzen Land 🍎🍏")
    _ = await SMTPConnection(SMTPServer(url: catcher.url), name: "smtp").send(message)
    let mail = try #require(try await catcher.mails().first)
    #expect(mail.defects.isEmpty)
    #expect(mail["Subject"] == "You're invited to Müller & Söhne — Größte Äpfel im ganzen Land 🍎🍏")
    // Python inserts a space between the encoded words of a display name, contrary to RFC 2047 §6.2.
    #expect(mail["To"]?.replacing(" ", with: "") == #""山田太郎(株式会社アクメデータソリューションズ)"<ana@example.com>"#)
    #expect(mail.text?.replacing("\r\n", with: "\n") == message.text)
    #expect(mail.html?.replacing("\r\n", with: "\n") == message.html)
    #expect(mail.raw.utf8.allSatisfy { $0 < 0x80 })
    // libcurl does not fold the line with the boundary.
    let long = mail.raw.split(separator: "\r\n").filter { $0.utf8.count > 78 }
    #expect(long.allSatisfy { $0.hasPrefix("Content-Type: multipart/alternative; boundary=") })
  }

  @Test func `reuses the connection of the previous mail`() async throws {
    let catcher = try await MailCatcher()
    let connection = SMTPConnection(SMTPServer(url: catcher.url), name: "smtp")
    for index in 0..<5 { _ = await connection.send(try .sample(to: "person\(index)@example.com")) }
    let used = Set(try await catcher.mails().map(\.connection))
    #expect(used.count == 1)
    await connection.close()
    #expect(await connection.send(try .sample()).isAccepted)
    #expect(Set(try await catcher.mails().map(\.connection)).count == 2)
  }

  @Test(arguments: [
    (#"{"recipient": "550 5.1.1 No such user"}"#, SMTPOutcome.refused(SMTPReply(code: 550, text: "5.1.1 No such user"), at: .recipient)),
    (#"{"recipient": "451 4.3.0 Later"}"#, .refused(SMTPReply(code: 451, text: "4.3.0 Later"), at: .recipient)),
    (#"{"sender": "452 4.3.1 Full"}"#, .refused(SMTPReply(code: 452, text: "4.3.1 Full"), at: .sender)),
    (#"{"content": "554 5.7.1 Spam"}"#, .refused(SMTPReply(code: 554, text: "5.7.1 Spam"), at: .content)),
    (#"{"connection": "421 4.3.2 Closed for lunch"}"#, .unreachable(reason: "421 4.3.2 Closed for lunch")),
    (#"{"sender": "530 5.7.0 Authentication required"}"#, .unreachable(reason: "530 5.7.0 Authentication required")),
  ])
  func `is rejected with the server's reply`(faults: String, expected: SMTPOutcome) async throws {
    let catcher = try await MailCatcher()
    let connection = SMTPConnection(SMTPServer(url: catcher.url), name: "smtp")
    try catcher.setFaults(faults)
    #expect(await connection.send(try .sample()) == expected)
    #expect(try catcher.count() == 0)
    try catcher.setFaults("")
    #expect(await connection.send(try .sample()).isAccepted)
  }

  @Test(arguments: ["sender", "recipient", "content", "lost-answer"])
  func `is interrupted if the connection is lost`(during phase: String) async throws {
    let catcher = try await MailCatcher()
    let connection = SMTPConnection(SMTPServer(url: catcher.url), name: "smtp")
    try catcher.setFaults(#"{"\#(phase)": "drop"}"#)
    guard case .interrupted = await connection.send(try .sample()) else {
      Issue.record("not interrupted")
      return
    }
    #expect(try catcher.count() == (phase == "lost-answer" ? 1 : 0))
    try catcher.setFaults("")
    #expect(await connection.send(try .sample()).isAccepted)
  }

  @Test func `is interrupted after the timeout if the server stalls`() async throws {
    let catcher = try await MailCatcher()
    let connection = SMTPConnection(SMTPServer(url: catcher.url, connectTimeout: 10, timeout: 10), name: "smtp")
    try catcher.setFaults(#"{"content": "stall"}"#)
    guard case .interrupted = await connection.send(try .sample()) else {
      Issue.record("not interrupted")
      return
    }
  }

  @Test func `is sent while another connection waits for the reply to a mail`() async throws {
    let catcher = try await MailCatcher()
    let server = SMTPServer(url: catcher.url, connectTimeout: 60, timeout: 300)
    let (slow, fast) = (SMTPConnection(server, name: "slow"), SMTPConnection(server, name: "fast"))
    try catcher.setFaults(#"{"content": "stall", "to": "slow@"}"#)
    try await withThrowingTaskGroup(of: SMTPOutcome.self) { group in
      group.addTask { await slow.send(try .sample(to: "slow@example.com")) }
      group.addTask {
        for index in 0..<5 { _ = await fast.send(try .sample(to: "person\(index)@example.com")) }
        return await fast.send(try .sample())
      }
      let first = try await group.next()
      #expect(first?.isAccepted == true)
      #expect(try catcher.count() == 6)
      await catcher.stop()
      let second = try await group.next()
      #expect(second?.isInterrupted == true)
    }
  }

  @Test func `fails while the server is unavailable, and is sent when it is back`() async throws {
    let first = try await MailCatcher(.init(port: try FreePort.find()))
    let connection = SMTPConnection(SMTPServer(url: first.url), name: "smtp")
    #expect(await connection.send(try .sample()).isAccepted)
    await first.stop()
    // The open connection is lost, and no other can be opened.
    for _ in 0..<2 {
      let outcome = await connection.send(try .sample())
      #expect(outcome.isUnreachable || outcome.isInterrupted)
    }
    let second = try await MailCatcher(.init(port: first.port, folder: first.folder))
    #expect(await connection.send(try .sample()).isAccepted)
    #expect(try second.count() == 2)
  }

  @Test(arguments: ["starttls", "required", "implicit"])
  func `is sent over TLS, with credentials, to a server with a trusted certificate`(tls: String) async throws {
    let catcher = try await MailCatcher(.init(tls: tls, user: tls == "required" ? "rollcall:s3cret" : nil))
    let url = tls == "implicit" ? "smtps://127.0.0.1:\(catcher.port)" : catcher.url
    let credentials = tls == "required" ? SMTPServer.Credentials(username: "rollcall", password: "s3cret") : nil
    let trusting = SMTPServer(url: url, credentials: credentials, tls: .required, authorities: catcher.certificate)
    #expect(await SMTPConnection(trusting, name: "smtp").send(try .sample()).isAccepted)
    let mail = try #require(try await catcher.mails().first)
    #expect(mail["X-Catcher-TLS"]?.hasPrefix("TLS_") == true)
    #expect(mail["X-Catcher-User"] == (tls == "required" ? "rollcall" : "none"))

    let mistrusting = SMTPServer(url: url, credentials: credentials, tls: .required)
    #expect(await SMTPConnection(mistrusting, name: "smtp").send(try .sample()).isUnreachable)
    #expect(try catcher.count() == 1)
  }

  @Test func `is not sent in the clear if TLS is required`() async throws {
    let catcher = try await MailCatcher()
    #expect(await SMTPConnection(SMTPServer(url: catcher.url, tls: .required), name: "smtp").send(try .sample()).isUnreachable)
    #expect(try catcher.count() == 0)
  }

  @Test func `is not sent with a wrong password`() async throws {
    let catcher = try await MailCatcher(.init(user: "rollcall:s3cret"))
    let server = SMTPServer(url: catcher.url, credentials: .init(username: "rollcall", password: "wrong"))
    #expect(await SMTPConnection(server, name: "smtp").send(try .sample()).isUnreachable)
  }

  @Test func `is not sent to a URL that is not SMTP`() async throws {
    #expect(await SMTPConnection(SMTPServer(url: "http://127.0.0.1:1"), name: "smtp").send(try .sample()).isUnreachable)
  }
}

extension SMTPOutcome {
  var isAccepted: Bool { if case .accepted = self { true } else { false } }
  var isUnreachable: Bool { if case .unreachable = self { true } else { false } }
  var isInterrupted: Bool { if case .interrupted = self { true } else { false } }
}
