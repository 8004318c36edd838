import MailTemplates
import ServiceKit
import Testing

@testable import InvitationMailer

@Suite("The mailer's settings")
struct SettingsTests {
  private func settings(_ more: [String: String] = [:]) async throws -> ServiceSettings {
    let environment = ["ROLLCALL_SMTP_URL": "smtp://127.0.0.1:2525", "ROLLCALL_MAIL_FROM": "Rollcall <rollcall@localhost>"]
    return try await ServiceSettings.read(
      service: "invitation-mailer", settings: Setting.mailer, environment: environment.merging(more) { _, new in new })
  }

  @Test func `A URL and a sender are enough`() async throws {
    let settings = try await settings()
    #expect(
      try SMTPServer(settings) == SMTPServer(url: "smtp://127.0.0.1:2525", tls: .opportunistic, connectTimeout: 15, timeout: 60))
    #expect(try MailAddress(settings, .mailFrom) == MailAddress(name: "Rollcall", address: "rollcall@localhost"))
    #expect(
      try RetrySchedule(settings) == RetrySchedule(first: .seconds(10), longest: .seconds(1800), giveUp: .seconds(24 * 3600)))
  }

  @Test func `All settings of the mail server are used`() async throws {
    let server = try SMTPServer(
      try await settings([
        "ROLLCALL_SMTP_URL": "smtps://mail.example.com:465", "ROLLCALL_SMTP_USER": "rollcall", "ROLLCALL_SMTP_PASSWORD": "s3cret",
        "ROLLCALL_SMTP_TLS": "Required", "ROLLCALL_SMTP_AUTHENTICATION": "Login", "ROLLCALL_SMTP_AUTHORITIES": "/etc/ca.pem",
        "ROLLCALL_SMTP_CONNECT_TIMEOUT": "500ms",
        "ROLLCALL_SMTP_TIMEOUT": "2m",
      ]))
    #expect(
      server
        == SMTPServer(
          url: "smtps://mail.example.com:465", credentials: .init(username: "rollcall", password: "s3cret"), tls: .required,
          authentication: .login,
          authorities: "/etc/ca.pem", connectTimeout: 1, timeout: 120))
  }

  @Test(arguments: [
    (["ROLLCALL_SMTP_URL": "http://127.0.0.1"], "ROLLCALL_SMTP_URL"), (["ROLLCALL_SMTP_USER": "rollcall"], "ROLLCALL_SMTP_PASSWORD"),
    (["ROLLCALL_MAIL_FROM": "Rollcall"], "ROLLCALL_MAIL_FROM"), (["ROLLCALL_MAIL_FROM": "rollcäll@localhost"], "ROLLCALL_MAIL_FROM"),
  ])
  func `An error names the invalid setting`(environment: [String: String], name: String) async throws {
    let settings = try await settings(environment)
    #expect {
      _ = try SMTPServer(settings)
      _ = try MailAddress(settings, .mailFrom)
    } throws: { error in
      (error as? SettingsError)?.description.contains(name) == true
    }
  }
}
