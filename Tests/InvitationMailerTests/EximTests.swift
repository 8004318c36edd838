import MailTemplates
import TestSupport
import Testing

@testable import InvitationMailer

/// Tests against Exim, a server that was not written for these tests.
@Suite("A mail sent to a real mail server", .serialized, .timeLimit(.minutes(10)))
struct EximTests {
  private func server(
    _ exim: EximServer, password: String = "s3cret", authentication: SMTPServer.Authentication = .any, authorities: String? = nil
  ) -> SMTPServer {
    SMTPServer(
      url: exim.url, credentials: .init(username: "rollcall", password: password), tls: .required, authentication: authentication,
      authorities: authorities ?? exim.certificate, connectTimeout: 60, timeout: 60)
  }

  @Test(arguments: [SMTPServer.Authentication.plain, .login])
  func `is sent over STARTTLS with authentication, and arrives unchanged`(authentication: SMTPServer.Authentication) async throws {
    let exim = try await EximServer()
    let message = try EmailMessage.sample(displayName: "山田 太郎", workspace: "Müller & Söhne")
    let outcome = await SMTPConnection(server(exim, authentication: authentication), name: "smtp").send(message)
    #expect(outcome.isAccepted, "\(outcome); \(exim.log)")
    try await eventually("the mail") { try await exim.mails().count == 1 }
    let mail = try #require(try await exim.mails().first)
    #expect(mail.defects.isEmpty)
    #expect(mail["Envelope-to"] == "ana@example.com")
    #expect(mail["Subject"] == "You're invited to Müller & Söhne")
    #expect(mail["Message-ID"] == "<0198f3a2-7b1c-8d11-9e51-2f6b8c1d4e5f@rollcall.example>")
    // libcurl appends a line ending to a mail.
    #expect(mail.text?.replacing("\r\n", with: "\n").trimmingSpaces == message.text.trimmingSpaces)
    #expect(exim.log.contains("P=esmtpsa"))
    #expect(exim.log.contains("A=\(authentication.rawValue):rollcall"))
  }

  @Test func `is rejected with the server's reply, and the connection is reused`() async throws {
    let exim = try await EximServer()
    let connection = SMTPConnection(server(exim), name: "smtp")
    guard case .refused(let reply, at: .recipient) = await connection.send(try .sample(to: "nobody@example.com")) else {
      Issue.record("not refused; \(exim.log)")
      return
    }
    #expect(reply.line == "550 5.1.1 No such user here")
    #expect(await connection.send(try .sample()).isAccepted)
  }

  @Test func `is not sent without or with wrong credentials, or to a server with an untrusted certificate`() async throws {
    let exim = try await EximServer()
    #expect(await SMTPConnection(server(exim, password: "wrong"), name: "smtp").send(try .sample()).isUnreachable)
    let system = SMTPServer(url: exim.url, credentials: .init(username: "rollcall", password: "s3cret"), tls: .required)
    #expect(await SMTPConnection(system, name: "smtp").send(try .sample()).isUnreachable)
    let mails = try await exim.mails()
    #expect(mails.isEmpty)
  }

  @Test func `is sent to a non-ASCII address if the server supports it, and fails clearly if not`() async throws {
    let exim = try await EximServer()
    let connection = SMTPConnection(server(exim), name: "smtp")
    let message = try EmailMessage.sample(to: "josé@bücher.example")
    #expect(message.recipient.address == "josé@xn--bcher-kva.example")
    let outcome = await connection.send(message)
    #expect(outcome.isAccepted, "\(outcome); \(exim.log)")
    try await eventually("the mail") { try await exim.mails().count == 1 }
    #expect(try await exim.mails().first?.raw.contains("josé@") == true)
    // An address whose domain alone is not ASCII has an ASCII form.
    #expect(await connection.send(try .sample(to: "jose@bücher.example")).isAccepted)

    let plain = try await EximServer(isInternational: false)
    let other = SMTPConnection(server(plain), name: "smtp")
    guard case .refused(let reply, at: .recipient) = await other.send(message) else {
      Issue.record("not refused")
      return
    }
    #expect(!reply.isTransient)
    #expect(reply.text.contains("SMTPUTF8"))
    #expect(await other.send(try .sample(to: "jose@bücher.example")).isAccepted)
  }
}
