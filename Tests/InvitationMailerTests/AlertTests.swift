import Foundation
import Logging
import MailTemplates
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("Alerts about webhooks", .serialized, .timeLimit(.minutes(10)))
struct AlertTests {
  private func stored(_ database: MailerDatabase) async throws -> [(kind: String, state: String)] {
    try await database.pool.query(Statement(once: "alerts", "select kind, state from mailer.alerts order by kind")).map {
      (try $0.string(0), try $0.string(1))
    }
  }

  private func claim(_ database: MailerDatabase, by instance: String = "invitation-mailer/0") async throws -> DueNotice? {
    let store = NoticeStore(pool: database.pool)
    return try await database.pool.withExclusiveConnection { session in
      try await store.claim(by: instance, at: .sample, in: session)
    }
  }

  @Test func `are stored once per disabling by group-sync`() async throws {
    let database = try await MailerDatabase.start()
    for _ in 0..<2 {
      try await database.apply(
        .webhook(), .webhook(.created, version: 1), .webhook(version: 5, by: .console("Ana")), .webhook(.restated, version: 3),
        .webhook(of: .deployment))
    }
    #expect(try await stored(database).map(\.kind) == ["deployment-webhook-disabled", "webhook-disabled"])
    try await database.apply(.webhook(version: 7))
    #expect(try await stored(database).count == 3)
    #expect(
      try await database.pool.query(Statement(once: "secrets", "select count(*) from mailer.alerts where details like '%s3cr3t%'"))
        .first?.int(0) == 0)
  }

  @Test func `are claimed once, given back after a crash, and deleted after their retention`() async throws {
    let database = try await MailerDatabase.start()
    let store = NoticeStore(pool: database.pool)
    try await database.apply(.workspace(), .webhook())
    let claimed = try #require(try await claim(database))
    guard case .alert(.webhookDisabled(let failure)) = claimed.subject else {
      Issue.record("\(claimed)")
      return
    }
    #expect(failure.url == "https://app.acme.example/hooks/rollcall" && !failure.isDeploymentWide)
    #expect(claimed.settings?.version == 1)
    #expect(try await claim(database) == nil)
    let released = try await database.pool.withExclusiveConnection { session in
      try await store.releaseClaims(heldBy: "invitation-mailer/0", at: .sample, in: session)
    }
    #expect(released == 1)
    let again = try #require(try await claim(database))
    #expect(again.id == claimed.id)
    try await database.pool.withExclusiveConnection { try await store.release(again, at: .sample, in: $0) }
    let last = try #require(try await claim(database))
    let record = MailRecord(
      .sent(answer: "250 OK"), reminder: 0, attempts: 0, firstTriedAt: nil, isDigest: true, policy: InvitationPolicy(), now: .sample,
      pause: .seconds(5))
    try await store.record(record, of: last, at: .sample)
    #expect(try await stored(database).map(\.state) == ["sent"])
    try await store.deleteOldRecords(at: .sample.adding(days: 59))
    #expect(try await stored(database).count == 1)
    try await store.deleteOldRecords(at: .sample.adding(days: 61))
    #expect(try await stored(database).isEmpty)
  }

  @Test func `of a newer release fail without stopping the others`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .webhook(), .webhook(version: 5))
    try await database.execute("update mailer.alerts set kind = 'unheard-of' where id = (select min(id::text)::uuid from mailer.alerts)")
    try await database.execute("update mailer.alerts set details = '{}' where kind <> 'unheard-of'")
    var kinds: Set<String> = []
    for _ in 0..<2 {
      guard case .unreadableAlert(let kind)? = try await claim(database)?.subject else { continue }
      kinds.insert(kind)
    }
    #expect(kinds == ["unheard-of", "webhook-disabled"])
  }

  @Test func `are mailed to the address for notices, or else to the operator`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let scheduler = try scheduler(database, catcher, operatorAddress: "operator@rollcall.example")
    try await running(scheduler) {
      try await database.apply(.workspace(notifying: "it@acme.example", adminLanguage: "de"), .webhook(), at: .now)
      try await eventually("the mail to the administrator") { try catcher.count() == 1 }
      try await database.apply(.webhook(of: .deployment), at: .now)
      try await eventually("the mail to the operator") { try catcher.count() == 2 }
      try await eventually("both are recorded") { try await database.unsentCount() == 0 }
    }
    let mails = try await catcher.mails()
    #expect(mails.map(\.recipient) == ["it@acme.example", "operator@rollcall.example"])
    #expect(mails.allSatisfy { $0.defects.isEmpty })
    #expect(mails[0]["Subject"] == "Webhooks von Acme Data werden nicht mehr zugestellt")
    #expect(mails[1]["Subject"] == "Webhook deliveries for all workspaces have stopped")
    for mail in mails {
      #expect(mail.text?.contains("500 Internal Server Error, since 3 days") == true)
      #expect(mail.text?.contains("s3cr3t") == false)
    }
  }

  @Test func `fail with advice if there is no address`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try await database.apply(.workspace(), .webhook(), at: .now)
    try await running(try scheduler(database, catcher, operatorAddress: nil)) {
      let answer = Statement("alert", "select state, coalesce(answer, '') from mailer.alerts")
      try await eventually("the failure") { try await database.pool.query(answer).first?.string(0) == "failed" }
      #expect(try await database.pool.query(answer).first?.string(1).contains("ROLLCALL_MAIL_OPERATOR_ADDRESS") == true)
    }
    #expect(try catcher.count() == 0)
  }

  private func scheduler(_ database: MailerDatabase, _ catcher: MailCatcher, operatorAddress: String?) throws -> MailScheduler {
    MailScheduler(
      pool: database.pool,
      sender: MailSender(
        store: database.invitations, composer: try InvitationComposer(from: .rollcall),
        schedule: RetrySchedule(first: .milliseconds(100), longest: .seconds(1), giveUp: .seconds(60)),
        status: MailServerStatus(),
        operatorAddress: operatorAddress, logger: .silent),
      connections: [SMTPConnection(SMTPServer(url: catcher.url, connectTimeout: 60, timeout: 60), name: "smtp")],
      noticeThrottle: NoticeThrottle(collectionPeriod: .milliseconds(1), interval: .seconds(600)), interval: .milliseconds(20),
      logger: .silent)
  }

  private func running(_ scheduler: MailScheduler, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await scheduler.run() }
      try await body()
      group.cancelAll()
    }
  }
}

@Suite("Mails about webhooks")
struct AlertMailTests {
  private func message(_ language: String?, workspace: WorkspaceID = .acme) throws -> EmailMessage {
    guard case .webhookChanged(let event) = IdentityEvent.webhook(of: workspace), let alert = NewAlert(event) else {
      throw CocoaError(.coderValueNotFound)
    }
    let notice = WorkspaceNotice(name: "Acme <Data>", slug: "acme", signInURL: "https://app.example.com", adminLanguage: language)
    return try InvitationComposer(from: .rollcall).message(
      for: AlertNotice(
        id: UUID(uuid: InvitationID(bytes: [9]).uuid.uuid), address: "it@acme.example",
        workspace: workspace == .deployment ? nil : notice, name: "Acme <Data>", alert: alert.alert), at: .sample)
  }

  private func header(_ name: String, of message: EmailMessage) -> String? {
    message.headers.map(\.line).first { $0.hasPrefix("\(name): ") }?.dropFirst(name.count + 2).description
  }

  @Test(arguments: ["en", "de", "fr", "es", "ja"])
  func `are complete, in the language of the workspace`(language: String) throws {
    let message = try message(language)
    #expect(header("Content-Language", of: message) == language)
    for part in [
      "Acme <Data>", "The <product>", "500 Internal Server Error, since 3 days", "07000000-0000-0000-0000-000000000000", "it@acme.example",
    ] {
      #expect(message.text.contains(part), "\(part)")
      #expect(message.html.contains(part.replacing("<", with: "&lt;").replacing(">", with: "&gt;")), "\(part)")
    }
    // Word joiners keep mail programs from making a link of the URL.
    #expect(message.text.replacing("\u{2060}", with: "").contains("https://app.acme.example/hooks/rollcall\n"))
    for form in [message.text, message.html] {
      #expect(!form.contains("{{") && !form.contains("s3cr3t") && !form.contains("https://app"))
    }
    let english = try self.message(nil)
    #expect((message.text == english.text) == (language == "en"))
    #expect((header("Subject", of: message) == header("Subject", of: english)) == (language == "en"))
    let lines = Set(english.text.split(separator: "\n")).intersection(message.text.split(separator: "\n"))
    if language != "en" { #expect(lines.allSatisfy { $0.hasPrefix("ID: ") || $0.hasPrefix("Description: ") || $0 == "-- " }, "\(lines)") }
    #expect(header("Message-ID", of: message) == "<alert-09000000-0000-0000-0000-000000000000@rollcall.example>")
  }

  @Test func `about an endpoint of the deployment name no workspace, and leave out an empty description`() throws {
    let message = try message(nil, workspace: .deployment)
    #expect(!message.text.contains("Acme"))
    guard case .webhookChanged(var event) = IdentityEvent.webhook() else { throw CocoaError(.coderValueNotFound) }
    event.endpoint.description = ""
    let failure = WebhookFailure(event)
    let plain = try InvitationComposer(from: .rollcall).message(
      for: AlertNotice(id: UUID(), address: "it@acme.example", workspace: nil, name: "acme", alert: .webhookDisabled(failure)), at: .sample)
    #expect(!plain.text.contains("Description:") && plain.text.contains("Endpoint:"))
  }

  @Test func `to something that is no address cannot be composed`() throws {
    guard case .webhookChanged(let event) = IdentityEvent.webhook(), let alert = NewAlert(event) else {
      throw CocoaError(.coderValueNotFound)
    }
    #expect(throws: CompositionError.self) {
      try InvitationComposer(from: .rollcall).message(
        for: AlertNotice(id: UUID(), address: "nobody", workspace: nil, name: "acme", alert: alert.alert), at: .sample)
    }
  }

  @Test func `are read again from storage`() throws {
    guard case .webhookChanged(let event) = IdentityEvent.webhook(), let alert = NewAlert(event)?.alert else {
      throw CocoaError(.coderValueNotFound)
    }
    #expect(try AdministratorAlert(alert.kind, details: alert.details()) == alert)
    #expect(throws: MessageError.self) { try AdministratorAlert(alert.kind, details: Array("{}".utf8)) }
  }
}
