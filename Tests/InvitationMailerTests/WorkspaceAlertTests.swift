import Foundation
import Logging
import MailTemplates
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("Alerts about seats and admins", .serialized, .timeLimit(.minutes(10)))
struct WorkspaceAlertTests {
  @Test func `are stored once per event, and each kind separately`() async throws {
    let database = try await MailerDatabase.start()
    let command = CommandID.made(at: .sample)
    for _ in 0..<2 {
      try await database.apply(
        .alert(.seatsWarning, command: command), .alert(.seatsExhausted, command: command, used: 100),
        .alert(.noActiveAdmin, command: command))
    }
    let kinds = try await database.pool.query(Statement(once: "alerts", "select kind from mailer.alerts order by kind")).map {
      try $0.string(0)
    }
    #expect(kinds == ["no-active-admin", "seats-exhausted", "seats-warning"])
  }

  @Test func `are mailed to the address for notices, or else to the operator`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let scheduler = MailScheduler(
      pool: database.pool,
      sender: MailSender(
        store: database.invitations, composer: try InvitationComposer(from: .rollcall),
        schedule: RetrySchedule(first: .milliseconds(100), longest: .seconds(1), giveUp: .seconds(60)), status: MailServerStatus(),
        operatorAddress: "operator@rollcall.example", logger: .silent),
      connections: [SMTPConnection(SMTPServer(url: catcher.url, connectTimeout: 60, timeout: 60), name: "smtp")],
      noticeThrottle: NoticeThrottle(collectionPeriod: .milliseconds(1), interval: .seconds(600)), interval: .milliseconds(20),
      logger: .silent)
    try await withThrowingTaskGroup { group in
      group.addTask { try await scheduler.run() }
      try await database.apply(.workspace(notifying: "it@acme.example", adminLanguage: "de"), .alert(.seatsExhausted, used: 100), at: .now)
      try await eventually("the mail about seats") { try catcher.count() == 1 }
      try await database.apply(.workspace(version: 2), .alert(.noActiveAdmin), at: .now)
      try await eventually("the mail about the admin") { try catcher.count() == 2 }
      group.cancelAll()
    }
    let mails = try await catcher.mails()
    #expect(mails.map(\.recipient) == ["it@acme.example", "operator@rollcall.example"])
    #expect(mails.allSatisfy { $0.defects.isEmpty })
    #expect(mails[0]["Subject"] == "In Acme Data sind alle Plätze belegt")
    #expect(mails[0].text?.contains("Belegte Plätze: 100") == true)
    #expect(mails[1]["Subject"] == "Acme Data has no active administrator")
    #expect(mails[1].text?.contains("Former administrator: \(UserID.ana)") == true)
  }

  @Test(
    arguments: ["en", "de", "fr", "es", "ja"],
    [WorkspaceAlert.Kind.seatsWarning, .seatsExhausted, .noActiveAdmin])
  func `are complete, in the language of the workspace`(language: String, kind: WorkspaceAlert.Kind) throws {
    func compose(_ language: String?) throws -> EmailMessage {
      guard case .workspaceAlert(let event) = IdentityEvent.alert(kind, used: 97, of: 103) else { throw CocoaError(.coderValueNotFound) }
      let notice = WorkspaceNotice(name: "Acme <Data>", slug: "acme", signInURL: "https://app.example.com", adminLanguage: language)
      return try InvitationComposer(from: .rollcall).message(
        for: AlertNotice(
          id: UUID(uuid: InvitationID(bytes: [9]).uuid.uuid), address: "it@acme.example", workspace: notice, name: "Acme <Data>",
          alert: NewAlert(event).alert), at: .sample)
    }
    let message = try compose(language)
    let parts = kind == .noActiveAdmin ? ["\(UserID.ana)", "--hold-last-admin"] : ["97", "103"]
    for part in ["Acme <Data>", "it@acme.example"] + parts {
      #expect(message.text.contains(part), "\(part)")
      #expect(message.html.contains(part.replacing("<", with: "&lt;").replacing(">", with: "&gt;")), "\(part)")
    }
    #expect(!message.text.contains("{{") && !message.html.contains("{{"))
    let english = try compose(nil)
    let lines = Set(english.text.split(separator: "\n")).intersection(message.text.split(separator: "\n"))
    if language != "en" { #expect(lines.allSatisfy { $0 == "-- " }, "\(lines)") }
  }

  @Test(arguments: [WorkspaceAlert.Kind.seatsWarning, .seatsExhausted, .noActiveAdmin])
  func `are read again from storage`(kind: WorkspaceAlert.Kind) throws {
    guard case .workspaceAlert(let event) = IdentityEvent.alert(kind) else { throw CocoaError(.coderValueNotFound) }
    let alert = NewAlert(event).alert
    #expect(alert.kind.rawValue == kind.rawValue)
    #expect(try AdministratorAlert(alert.kind, details: alert.details()) == alert)
  }
}
