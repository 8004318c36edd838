import Foundation
import Logging
import MailTemplates
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("Sending due mails", .serialized, .timeLimit(.minutes(10)))
struct SendingTests {
  private func loop(
    _ database: MailerDatabase, _ catcher: MailCatcher, status: MailServerStatus = MailServerStatus(), connections: Int = 2,
    rateLimiter: DomainRateLimiter = DomainRateLimiter(rate: nil), timeout: Int = 60
  ) throws -> MailScheduler {
    let schedule = RetrySchedule(first: .milliseconds(100), longest: .seconds(1), giveUp: .seconds(60))
    let server = SMTPServer(url: catcher.url, connectTimeout: 60, timeout: timeout)
    return MailScheduler(
      pool: database.pool,
      sender: MailSender(
        store: database.invitations, composer: try InvitationComposer(from: .rollcall), schedule: schedule, status: status,
        logger: .silent),
      connections: (0..<connections).map { SMTPConnection(server, name: "smtp-\($0)") }, rateLimiter: rateLimiter,
      interval: .milliseconds(100),
      logger: .silent)
  }

  /// Runs the scheduler while `body` runs.
  private func running(_ loop: MailScheduler, _ body: () async throws -> Void) async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { try await loop.run() }
      try await body()
      group.cancelAll()
    }
  }

  /// A value that differs between periods of leadership, as soon as there is a leader.
  private func leadership(of loop: MailScheduler) async throws -> MailQueue.Reservation {
    var reservation: MailQueue.Reservation?
    try await eventually("the leader") {
      reservation = loop.queue.reserve(upTo: 1)
      return reservation != nil
    }
    let found = try #require(reservation)
    loop.queue.cancel(found, claims: [])
    return found
  }

  private func invite(_ database: MailerDatabase, _ names: [String]) async throws {
    let events = names.map { name in
      IdentityEvent.user(
        UserKey(workspace: .acme, id: .made(at: .sample)), .created, .invited, version: 1, email: "\(name)@example.com", givenName: name)
    }
    _ = try await database.events.apply(try ([.workspace()] + events).map { try $0.received() }, at: .now)
  }

  @Test func `Every invited person gets one mail`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher)
    let names = (0..<40).map { "person\($0)" }
    try await running(loop) {
      try await invite(database, names)
      try await eventually("all mails") { try catcher.count() == names.count }
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    let mails = try await catcher.mails()
    #expect(Set(mails.compactMap(\.recipient)) == Set(names.map { "\($0)@example.com" }))
    #expect(Set(mails.compactMap { $0["Message-ID"] }).count == names.count)
  }

  @Test func `Nothing is mailed for a workspace that is suspended until its deletion`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher)
    try await invite(database, ["ana"])
    let deletion = ScheduledDeletion(requestedAt: .sample, requestedBy: "operator:eve", dueAt: .sample)
    _ = try await database.events.apply([try IdentityEvent.workspace(version: 2, deletion: deletion).received()], at: .now)
    try await running(loop) {
      try await eventually("the invitation to fail") { try await database.unsentCount() == 0 }
    }
    #expect(try catcher.count() == 0)
  }

  @Test func `Mails that are claimed when they are stored, or afterwards, are sent once each`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher)
    let store = EventStore(pool: database.pool, queue: loop.queue)
    _ = try await store.apply([try IdentityEvent.workspace().received()], at: .now)
    try await running(loop) {
      // The leader has looked at the database, so that it can take mails.
      _ = try await leadership(of: loop)
      let names = (0..<10).map { "person\($0)" }
      for name in names {
        let user = UserKey(workspace: .acme, id: .made(at: .sample))
        let event = IdentityEvent.user(user, .created, .invited, version: 1, email: "\(name)@example.com")
        _ = try await store.apply([try event.received()], at: .now)
      }
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
      #expect(try await catcher.mails().compactMap(\.recipient).sorted() == names.map { "\($0)@example.com" })
    }
    #expect(try await database.publishedStates() == Array(repeating: "sent", count: 10))
  }

  @Test func `A mail of another replica is found, although nothing wakes the leader`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await invite(database, ["early"])
      try await eventually("the first mail") { try await database.unsentCount() == 0 }
      try await database.apply(.user(.ben, .created, .invited, version: 1, email: "ben@example.com"), at: .now)
      try await eventually("the other mail") { try await database.recorded(.ben).map(\.state) == ["sent"] }
    }
    #expect(try catcher.count() == 2)
  }

  @Test func `One of several replicas sends, and another takes over when it ends`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let (first, second) = (try loop(database, catcher), try loop(database, catcher))
    try await running(second) {
      try await running(first) {
        try await invite(database, (0..<20).map { "early\($0)" })
        try await eventually("the first mails") { try catcher.count() == 20 }
      }
      try await invite(database, (0..<20).map { "late\($0)" })
      // The mail that the first replica was sending when it ended may be sent twice.
      try await eventually("the other mails", within: .seconds(120)) {
        Set(try await catcher.mails().compactMap(\.recipient)).count == 40
      }
    }
  }

  @Test func `A temporarily rejected mail is sent later, a permanently rejected one is not`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try catcher.setFaults(#"{"recipient": "451 4.3.0 Later", "times": 2}"#)
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await invite(database, ["ana"])
      try await eventually("the mail") { try catcher.count() == 1 }
      try catcher.setFaults(#"{"recipient": "550 5.1.1 No such user"}"#)
      try await database.apply(.user(.ben, .created, .invited, version: 1, email: "ben@example.com"), at: .now)
      try await eventually("the refusal") { try await database.recorded(.ben).first?.state == "bounced" }
    }
    #expect(try await database.recorded(.ben) == [RecordedInvitation(state: "bounced", attempts: 1, answer: "550 5.1.1 No such user")])
    #expect(try catcher.count() == 1)
  }

  @Test func `A mail whose reply was lost is sent again with the same Message-ID`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try catcher.setFaults(#"{"lost-answer": true, "times": 1}"#)
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await invite(database, ["ana"])
      try await eventually("both mails") { try catcher.count() == 2 }
      try await eventually("it is recorded") { try await database.unsentCount() == 0 }
    }
    #expect(Set(try await catcher.mails().compactMap { $0["Message-ID"] }).count == 1)
  }

  @Test func `Invitations wait while the mail server is unavailable, and the status says so`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher(.init(port: try FreePort.find())))
    let status = MailServerStatus()
    let loop = try loop(database, catcher, status: status)
    try await running(loop) {
      await catcher.stop()
      try await invite(database, ["ana", "ben", "cid"])
      try await eventually("the status") { status.problem != nil && status.unavailableSince != nil }
      let back = try await MailCatcher(.init(port: catcher.port, folder: catcher.folder))
      try await eventually("the mails") { try back.count() == 3 }
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
      #expect(status.problem == nil && status.unavailableSince == nil)
    }
  }

  @Test func `An outage of the mail server is over when nothing is sent any more`() {
    let (status, idle) = (MailServerStatus(), MailServerStatus(memory: .zero))
    for status in [status, idle] { status.reportUnavailable("421 closing", at: .sample) }
    status.reportUnavailable("no route", at: .sample.adding(seconds: 60))
    #expect(status.problem == "no route" && status.unavailableSince == .sample)
    #expect(idle.problem == nil && idle.unavailableSince == nil)
  }

  @Test func `A restart of the database delays mails and repeats none, and the next leadership lasts`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(on: .start()), try await MailCatcher())
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await invite(database, ["ana"])
      try await eventually("the first mail") { try catcher.count() == 1 }
      try await eventually("it is recorded") { try await database.unsentCount() == 0 }
      try await database.server.kill()
      try await database.server.start()
      try await invite(database, ["ben"])
      try await eventually("the second mail") { try catcher.count() == 2 }
      let leadership = try await leadership(of: loop)
      try await database.apply(.user(.ben, .created, .invited, version: 1, email: "cid@example.com"), at: .now)
      try await eventually("the third mail") { try await database.recorded(.ben).map(\.state) == ["sent"] }
      #expect(try await leadership == self.leadership(of: loop))
    }
  }

  @Test func `Invitations that cannot be composed fail, and the others are sent`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await database.apply(
        .workspace(), .user(.ana, .created, .invited, version: 1, email: "no address"),
        .user(.ben, .created, .invited, version: 1, email: "ben@example.com"), at: .now)
      try await eventually("the mail") { try catcher.count() == 1 }
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    #expect(try await database.recorded(.ana).map(\.state) == ["failed"])
    #expect(try await database.recorded(.ben).map(\.state) == ["sent"])
  }

  @Test(arguments: [
    "{\"recipient\": \"451 4.3.0 Later\", \"times\": 3}", "{\"content\": \"drop\", \"times\": 2}",
    "{\"content\": \"452 4.2.2 Full\", \"times\": 2}",
  ])
  func `A mail that fails temporarily is sent once in the end, whatever the fault`(faults: String) async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try catcher.setFaults(faults)
    let loop = try loop(database, catcher)
    let names = (0..<10).map { "person\($0)" }
    try await running(loop) {
      try await invite(database, names)
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    #expect(Set(try await catcher.mails().compactMap(\.recipient)).count == names.count)
    #expect(try catcher.count() == names.count)
  }

  @Test func `A stalled server delays only its mail, which is sent when the server answers again`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try catcher.setFaults(#"{"content": "stall", "to": "slow@"}"#)
    let loop = try loop(database, catcher, timeout: 10)
    try await running(loop) {
      try await invite(database, ["slow", "ana", "ben", "cid"])
      try await eventually("the others") { try catcher.count() == 3 }
      try catcher.setFaults("")
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    #expect(Set(try await catcher.mails().compactMap(\.recipient)).count == 4)
  }

  @Test func `An hour without the server loses and repeats no mail`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher(.init(port: try FreePort.find())))
    let loop = try loop(database, catcher, connections: 4)
    let names = (0..<150).map { "person\($0)" }
    try await running(loop) {
      try await invite(database, Array(names.prefix(75)))
      try await eventually("some mails") { try catcher.count() >= 20 }
      await catcher.stop()
      try await invite(database, Array(names.dropFirst(75)))
      try await Task.sleep(for: .seconds(3))
      // Moves all times back by an hour.
      try await database.execute(
        """
        update mailer.invitations
        set created_at = created_at - interval '1 hour', next_attempt_at = next_attempt_at - interval '1 hour',
          first_tried_at = first_tried_at - interval '1 hour', expires_at = expires_at - interval '1 hour'
        """)
      let back = try await MailCatcher(.init(port: catcher.port, folder: catcher.folder))
      try await eventually("the queue to drain") { try await database.unsentCount() == 0 }
      #expect(try back.count() == names.count)
    }
    #expect(Set(try await catcher.mails().compactMap(\.recipient)) == Set(names.map { "\($0)@example.com" }))
    let states = Statement("states", "select distinct state from mailer.invitations")
    #expect(try await database.pool.query(states).map { try $0.string(0) } == ["sent"])
  }

  @Test func `The rate limit of a domain applies, and other domains do not wait for it`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher, rateLimiter: DomainRateLimiter(rate: 1))
    let began = ContinuousClock.now
    try await running(loop) {
      try await invite(database, (0..<10).map { "person\($0)" })
      try await database.apply(.user(.ben, .created, .invited, version: 1, email: "ben@other.example"), at: .now)
      try await eventually("the other domain's") { try await database.recorded(.ben).map(\.state) == ["sent"] }
      #expect(try await database.unsentCount() > 0)
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    #expect(ContinuousClock.now - began > .seconds(8))
    #expect(try catcher.count() == 11)
  }

  @Test func `Mails that a crashed mailer was sending are sent again as the same mails`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try await invite(database, ["ana"])
    #expect(try await database.claim(at: .now).count == 1)
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await eventually("it is sent") { try catcher.count() == 1 }
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    #expect(try catcher.count() == 1)
  }

  @Test func `An administrator gets one mail about all new people, who get none`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    try await database.apply(
      .workspace(policy: InvitationPolicy(sending: .digest(address: "it@acme.example"))), .user(.ana, .created, .invited, version: 1),
      .user(.ben, .created, .invited, version: 1, email: "ben@example.com"), at: .now)
    try await database.execute("update mailer.invitations set next_attempt_at = now()")
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await eventually("all recorded") { try await database.unsentCount() == 0 }
    }
    let mails = try await catcher.mails()
    #expect(mails.compactMap(\.recipient) == ["it@acme.example"])
    #expect(mails.first?.text?.contains("ana@example.com") == true)
    #expect(mails.first?.text?.contains("ben@example.com") == true)
    #expect(try await database.history(.ben).last?.state == "sent")
    #expect(try await database.nextMail(.ben) == nil)
  }

  @Test func `Mails use the workspace's own templates and colours`() async throws {
    let (database, catcher) = (try await MailerDatabase.start(), try await MailCatcher())
    let loop = try loop(database, catcher)
    try await running(loop) {
      try await database.apply(
        .workspace(policy: InvitationPolicy(branding: InvitationBranding(colour: "#0a7d4f", replyTo: "it@acme.example"))),
        .ordered(.setTemplate(InvitationTemplate(language: "ja", subject: "ようこそ {{workspace}}", text: nil))),
        .user(.ana, .created, .invited, version: 1, language: "ja-JP"), at: .now)
      try await eventually("the mail") { try catcher.count() == 1 }
      try await database.apply(.ordered(.resetTemplate(language: "ja")), at: .now)
      try await database.apply(.ordered(.resend(.ana)), at: .now)
      try await eventually("the other mail") { try catcher.count() == 2 }
    }
    let mails = try await catcher.mails()
    #expect(mails.compactMap { $0["Subject"] } == ["ようこそ Acme Data", "Acme Data への招待"])
    #expect(mails.map { $0["Reply-To"] } == ["it@acme.example", "it@acme.example"])
    #expect(mails.map { $0.html?.contains("#0a7d4f") } == [true, true])
  }
}
