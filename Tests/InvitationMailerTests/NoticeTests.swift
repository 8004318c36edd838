import Foundation
import Logging
import MailTemplates
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("Notices about held changes", .serialized, .timeLimit(.minutes(10)))
struct NoticeTests {
  private static let throttle = NoticeThrottle(collectionPeriod: .seconds(20), interval: .seconds(600))

  private func claimNotice(_ database: MailerDatabase, at now: Date, by instance: String = "invitation-mailer/0") async throws -> DueNotice?
  {
    let store = NoticeStore(pool: database.pool)
    return try await database.pool.withExclusiveConnection { session in
      try await store.createNotices(Self.throttle, at: now, in: session)
      return try await store.claim(by: instance, at: now, in: session)
    }
  }

  private func record(_ result: DeliveryResult, of notice: DueNotice, in database: MailerDatabase, at now: Date) async throws {
    let record = MailRecord(
      result, reminder: 0, attempts: notice.attempts, firstTriedAt: notice.firstTriedAt, isDigest: true, policy: InvitationPolicy(),
      now: now, pause: .seconds(5))
    try await NoticeStore(pool: database.pool).record(record, of: notice, at: now)
  }

  @Test func `collect changes in one mail, and later changes in another after ten minutes`() async throws {
    let database = try await MailerDatabase.start()
    let store = NoticeStore(pool: database.pool)
    try await database.apply(.workspace(notifying: "it@acme.example"))
    let first = IdentityEvent.held()
    try await database.apply(first)
    try await database.apply(.held(.userDeleted, "ana@example.com", leaving: 1, members: nil), at: .sample.adding(seconds: 19))
    #expect(try await claimNotice(database, at: .sample.adding(seconds: 19)) == nil)
    let now = Date.sample.adding(seconds: 20)
    let notice = try #require(try await claimNotice(database, at: now))
    let content = try await store.content(of: notice)
    #expect(content.changes.map(\.name) == ["Data team", "ana@example.com"])
    #expect(content.changes.map { $0.members ?? 0 } == [100, 0])
    #expect(content.groups == 1)
    #expect(content.people == 1)
    // Changes that arrive while the mail is being sent, or within ten minutes after it, are collected; redelivered ones are ignored.
    try await database.apply(first, .held(.userDisabled, "ben@example.com", leaving: 1, members: nil), at: now)
    #expect(try await claimNotice(database, at: now.adding(seconds: 900)) == nil)
    try await record(.sent(answer: "250 2.0.0 OK"), of: notice, in: database, at: now)
    #expect(try await !database.allText().contains("ana@example.com"))
    try await database.apply(first, at: now)
    #expect(try await claimNotice(database, at: now.adding(seconds: 599)) == nil)
    let second = try #require(try await claimNotice(database, at: now.adding(seconds: 601)))
    #expect(try await store.content(of: second).changes.map(\.name) == ["ben@example.com"])
    try await record(.sent(answer: "250 2.0.0 OK"), of: second, in: database, at: now.adding(seconds: 601))
    try await database.apply(first, at: now.adding(days: 1))
    #expect(try await claimNotice(database, at: now.adding(days: 2)) == nil)
    try await store.deleteOldRecords(at: now.adding(days: 61))
    #expect(try await database.pool.query(Statement(once: "left", "select count(*) from mailer.held_changes")).first?.int(0) == 0)
  }

  @Test func `are the same mail after a crash, and contain no change twice`() async throws {
    let database = try await MailerDatabase.start()
    let store = NoticeStore(pool: database.pool)
    try await database.apply(.workspace(notifying: "it@acme.example"), .held())
    let now = Date.sample.adding(seconds: 30)
    let claimed = try #require(try await claimNotice(database, at: now))
    try await database.apply(.held(.membersRemoved, "Late"), at: now)
    #expect(try await claimNotice(database, at: now.adding(seconds: 60)) == nil)
    let (others, own) = try await database.pool.withExclusiveConnection { session in
      let others = try await store.releaseClaims(notHeldBy: "invitation-mailer/1", before: now, at: now, in: session)
      return (others, try await store.releaseClaims(heldBy: "invitation-mailer/0", at: now, in: session))
    }
    #expect(others == 0)
    #expect(own == 1)
    let again = try #require(try await claimNotice(database, at: now.adding(seconds: 60)))
    #expect(again.id == claimed.id)
    #expect(try await store.content(of: again).changes.map(\.name) == ["Data team"])
    try await record(.retry(at: now.adding(seconds: 90), answer: "451 later"), of: again, in: database, at: now)
    #expect(try await claimNotice(database, at: now.adding(seconds: 89)) == nil)
    let retried = try #require(try await claimNotice(database, at: now.adding(seconds: 90)))
    #expect(retried.attempts == 1)
    #expect(retried.firstTriedAt == now)
  }

  @Test func `do not name deleted users, and wait for the workspace`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.held(.userDeleted, "ana@example.com", resource: UserID.ana.resource, leaving: 1, members: nil))
    #expect(try await claimNotice(database, at: .sample.adding(seconds: 60)) == nil)
    try await database.apply(.user(.ana, .deleted, .disabled, version: 2))
    #expect(try await !database.allText().contains("ana@example.com"))
    try await database.apply(.workspace(notifying: "it@acme.example"))
    let notice = try #require(try await claimNotice(database, at: .sample.adding(seconds: 60)))
    let content = try await NoticeStore(pool: database.pool).content(of: notice).changes
    #expect(content.count == 1)
    #expect(content.first?.name == nil)
  }

  @Test func `are sent before invitations, and retried after a rejection`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try catcher.setFaults(#"{"recipient": "451 4.3.0 Later", "times": 1}"#)
    let held = (0..<60).map { IdentityEvent.held(.userDisabled, "person\($0)@example.com", leaving: 1, members: nil) }
    let events: [IdentityEvent] = [.workspace(notifying: "it@acme.example", adminLanguage: "de"), .held()] + held
    _ = try await database.events.apply(try events.map { try $0.received() }, at: .now)
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await eventually("the mail") { try catcher.count() == 1 }
      try await eventually("it is recorded") { try await database.unsentCount() == 0 }
      _ = try await database.events.apply(try events.map { try $0.received() }, at: .now)
      try await database.apply(.user(.ana, .created, .invited, version: 1), at: .now)
      try await eventually("the invitation") { try catcher.count() == 2 }
    }
    let mails = try await catcher.mails()
    #expect(mails.compactMap(\.recipient) == ["it@acme.example", "ana@example.com"])
    let mail = try #require(mails.first)
    #expect(mail.defects.isEmpty)
    #expect(mail["Subject"] == "Änderungen in Acme Data warten auf Ihre Zustimmung")
    #expect(mail.text?.contains("Data team: 60 von 100 Mitgliedern würden entfernt") == true)
    #expect(mail.text?.split(whereSeparator: \.isNewline).count { $0.hasSuffix("@example.com: würde deaktiviert") } == 50)
    #expect(mail.text?.contains("- und 10 weitere") == true)
    #expect(mail.text?.contains("https://rollcall.example/console/provisioning/held") == true)
    #expect(
      try await database.pool.query(Statement(once: "state", "select state from mailer.notices")).map { try $0.string(0) } == ["sent"])
  }

  @Test func `are not sent if the workspace no longer has an address for them`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try await database.apply(.workspace(), .held(), at: .now)
    let loop = try loop(database, catcher)
    try await running(loop) {
      let state = Statement("notice", "select state, answer from mailer.notices")
      try await eventually("the failure") { try await database.pool.query(state).first?.string(0) == "failed" }
      #expect(try await database.pool.query(state).first?.string(1).contains("no longer has an address") == true)
    }
    #expect(try catcher.count() == 0)
  }

  private func loop(_ database: MailerDatabase, _ catcher: MailCatcher) throws -> MailScheduler {
    MailScheduler(
      pool: database.pool,
      sender: MailSender(
        store: database.invitations, composer: try InvitationComposer(from: .rollcall, appURL: "https://rollcall.example"),
        schedule: RetrySchedule(first: .milliseconds(100), longest: .seconds(1), giveUp: .seconds(60)), status: MailServerStatus(),
        logger: .silent),
      connections: [SMTPConnection(SMTPServer(url: catcher.url, connectTimeout: 60, timeout: 60), name: "smtp")],
      noticeThrottle: NoticeThrottle(collectionPeriod: .milliseconds(1), interval: .seconds(600)), interval: .milliseconds(100),
      logger: .silent)
  }

  private func running(_ loop: MailScheduler, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await loop.run() }
      try await body()
      group.cancelAll()
    }
  }
}
