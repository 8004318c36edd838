import Foundation
import Kafka
import MailTemplates
import Models
import Outbox
import Postgres
import Primitives
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("The lifecycle of an invitation", .serialized, .timeLimit(.minutes(10)))
struct LifeTests {
  private let answer = "250 2.0.0 OK"

  @Test func `A mail that is sent is one row of the history and one event, as are the changes after it`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    let due = try #require(try await database.claim().first)
    #expect(try await database.history().isEmpty)
    try await database.record(.sent(answer: answer), on: due)
    try await database.apply(.user(.ana, .activated, .active, version: 2))
    #expect(
      try await database.history() == [
        RecordedState(state: "sent", reason: answer), RecordedState(state: "accepted", reason: "the person signed in"),
      ])
    #expect(try await database.publishedStates() == ["sent", "accepted"])
    #expect(try await database.nextMail() == nil)
  }

  @Test func `Results of one batch are published in their order, except those of withdrawn invitations`() async throws {
    let database = try await MailerDatabase.start()
    let people = (0..<3).map { _ in UserKey(workspace: .acme, id: .made(at: .sample)) }
    try await database.apply(.workspace())
    for person in people { try await database.apply(.user(person, .created, .invited, version: 1)) }
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    try await database.execute("update mailer.invitations set traceparent = '\(trace)'")
    let claimed = try await database.claim()
    try await database.apply(.user(people[1], .disabled, .disabled, version: 2))
    let ordered = try people.map { person in try #require(claimed.first { $0.user == person.id }) }
    let messages = try await database.invitations.record(
      ordered.map { invitation in
        MailOutcome(
          invitation,
          MailRecord(
            .sent(answer: answer), reminder: 0, attempts: 0, firstTriedAt: nil, isDigest: false, policy: InvitationPolicy(), now: .sample,
            pause: .zero))
      }, at: .sample.adding(seconds: 1))
    #expect(try await database.publishedStates() == ["revoked", "sent", "sent"])
    let rows = try await database.pool.query(
      Statement(once: "outbox", "select id, key, headers, payload from mailer.outbox order by id offset 1"))
    #expect(messages.map(\.id) == (try rows.map { try $0.int(0) }))
    for (row, (stored, person)) in zip(rows, zip(messages, [people[0], people[2]])) {
      let event = try CloudEvent(headers: stored.message.headers, data: stored.message.value)
      #expect(
        try InvitationEvent(event)
          == InvitationEvent(
            workspace: .acme, invitation: NewInvitation.id(of: person, version: 1), user: person.id, state: .sent, reason: answer,
            changedAt: .sample.adding(seconds: 1)))
      #expect(event.traceparent == trace)
      #expect(event.extensions == ["workspaceid": "\(WorkspaceID.acme)"])
      #expect(stored.message.key == (try row.optionalBytes(1)))
      #expect(stored.message.headers.flatMap { [$0.name, $0.value] } == (try row.textArray(2)))
      #expect(stored.message.value == (try row.bytes(3)))
    }
  }

  @Test func `A request of an operator is a row of the history, before the mail is sent`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.apply(.ordered(.resend(.ana)), at: .sample.adding(seconds: 1))
    #expect(try await database.history() == [RecordedState(state: "scheduled", reason: "operator:eve requested it")])
    #expect(try await database.publishedStates() == ["scheduled", "revoked"])
  }

  @Test func `Reminders follow until the last, and stop with the sign-in`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    var now = Date.sample
    for (reminder, days) in [(0, 3.0), (1, 4.0)] {
      let due = try #require(try await database.claim(at: now).first)
      #expect(due.reminder == reminder)
      try await database.record(.sent(answer: answer), on: due, at: now)
      now = now.adding(days: days)
      #expect(try await database.nextMail() == now)
      #expect(try await database.due(at: now.adding(seconds: -1)).isEmpty)
    }
    let last = try #require(try await database.claim(at: now).first)
    #expect(last.reminder == 2)
    try await database.apply(.user(.ana, .activated, .active, version: 2), at: now)
    // The reminder was being sent at the time of the sign-in: its result is recorded, and no further mail is sent.
    try await database.record(.sent(answer: answer), on: last, at: now)
    #expect(try await database.recorded().map(\.state) == ["accepted"])
    #expect(try await database.nextMail() == nil)
  }

  @Test func `Only a crash between the server's reply and the commit sends the same mail again`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(), .user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1))
    let claimed = try await database.claim()
    #expect(claimed.count == 2)
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
    let ben = try #require(claimed.first { $0.user == .ben })
    try await database.record(.sent(answer: answer), on: ben)
    // Another replica does not release claims of mails that may still be in flight.
    let (others, own) = try await database.pool.withExclusiveConnection { session in
      let later = Date.sample.adding(seconds: 10)
      let store = database.invitations
      let others = try await store.releaseClaims(notHeldBy: "invitation-mailer/1", before: .sample, at: later, in: session)
      return (others, try await store.releaseClaims(heldBy: "invitation-mailer/0", at: later, in: session))
    }
    #expect(others == 0)
    #expect(own == 1)
    let again = try await database.claim(at: .sample.adding(seconds: 10))
    #expect(again.map(\.id) == claimed.filter { $0.user == .ana }.map(\.id))
    // The history shows from when on the first mail may have been sent.
    let spans = try await database.pool.query(
      Statement(once: "spans", "select state, at, reason from mailer.invitation_history where state <> 'sent' order by id"))
    #expect(try spans.map { try $0.string(0) } == ["sending", "scheduled"])
    #expect(try spans.map { try $0.timestamp(1) } == [.sample, .sample.adding(seconds: 10)])
    #expect(try spans.last?.string(2).hasPrefix("the mailer ended while sending it") == true)
    #expect(try await database.recorded(.ben).map(\.state) == ["sent"])
  }

  @Test func `A delayed invitation waits, a disabled one is not sent, and an unused one expires`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(policy: InvitationPolicy(sending: .delayed(seconds: 3600), expiryDays: 10)), .user(.ana, .created, .invited, version: 1))
    #expect(try await database.nextMail() == .sample.adding(seconds: 3600))
    func expire(at now: Date) async throws -> Int {
      try await database.pool.withExclusiveConnection { try await database.invitations.expire(at: now, in: $0) }
    }
    #expect(try await expire(at: .sample.adding(days: 9)) == 0)
    #expect(try await expire(at: .sample.adding(days: 10)) == 1)
    #expect(try await database.recorded().map(\.state) == ["expired"])
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
    // An expired invitation can still be accepted.
    try await database.apply(.user(.ana, .activated, .active, version: 2))
    #expect(try await database.recorded().map(\.state) == ["accepted"])

    try await database.apply(
      .workspace(version: 2, policy: InvitationPolicy(sending: .none)), .user(.ben, .created, .invited, version: 1))
    #expect(try await database.history(.ben) == [RecordedState(state: "revoked", reason: "the workspace sends no invitations")])
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
  }

  @Test func `Invitations from before the workspace follow its policy`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.user(.ana, .created, .invited, version: 1))
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
    try await database.apply(.workspace(policy: InvitationPolicy(sending: .delayed(seconds: 60), expiryDays: nil)))
    #expect(try await database.nextMail() == .sample.adding(seconds: 60))
  }

  @Test func `Mails that a changed policy excludes are not sent`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.record(.sent(answer: answer), on: try #require(try await database.claim().first))
    try await database.apply(.user(.ben, .created, .invited, version: 1))
    try await database.apply(.workspace(version: 2, policy: InvitationPolicy(reminderDays: [])))
    #expect(try await database.nextMail(.ana) == nil)
    #expect(try await database.nextMail(.ben) == .sample)
    try await database.apply(.workspace(version: 3, policy: InvitationPolicy(sending: .none)))
    #expect(try await database.recorded(.ana).map(\.state) == ["sent"])
    #expect(try await database.history(.ben).last == RecordedState(state: "revoked", reason: "the workspace sends no invitations"))
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
  }

  @Test func `Unsent invitations are redirected when the policy changes`() async throws {
    let database = try await MailerDatabase.start()
    let digest = InvitationPolicy(sending: .digest(address: "it@acme.example"))
    try await database.apply(.workspace(policy: digest), .user(.ana, .created, .invited, version: 1))
    #expect(try await database.nextMail() == .sample.adding(seconds: 3600))
    try await database.apply(.workspace(version: 2), at: .sample.adding(seconds: 60))
    #expect(try await database.due(at: .sample.adding(seconds: 60)).map(\.isDigest) == [false])
    try await database.apply(.workspace(version: 3, policy: digest), at: .sample.adding(seconds: 90))
    #expect(try await database.due(at: .sample.adding(seconds: 3600)).map(\.isDigest) == [true])
    #expect(try await database.due(at: .sample.adding(seconds: 3599)).isEmpty)
    #expect(try await database.recorded().map(\.state) == ["scheduled"])
  }

  @Test func `Invitations that another replica stored while the workspace arrived are planned later`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.user(.ana, .created, .invited, version: 1))
    try await database.apply(.workspace(policy: InvitationPolicy(sending: .delayed(seconds: 60))))
    try await database.execute("update mailer.invitations set is_planned = false, next_attempt_at = null")
    let isPlanned = try await database.pool.withExclusiveConnection { try await database.invitations.planWaiting(at: .sample, in: $0) }
    #expect(isPlanned)
    #expect(try await database.nextMail() == .sample.adding(seconds: 60))
  }

  @Test func `A changed address revokes the invitation and sends another; reactivation invites again`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    let first = try #require(try await database.claim().first)
    try await database.record(.sent(answer: answer), on: first)
    try await database.apply(.user(.ana, .updated, .invited, version: 2, email: "ana.lopez@example.com"))
    #expect(try await database.recorded().map(\.state) == ["revoked", "scheduled"])
    #expect(try await database.due().map(\.recipient.email) == ["ana.lopez@example.com"])
    try await database.apply(.user(.ana, .disabled, .disabled, version: 3))
    try await database.apply(.user(.ana, .enabled, .invited, version: 4))
    #expect(try await database.recorded().map(\.state) == ["revoked", "revoked", "scheduled"])
  }

  @Test func `Reports of the mail system are recorded, and a bounced invitation can still be accepted`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(), .user(.ana, .created, .invited, version: 1),
      .user(.ben, .created, .invited, version: 1, email: "Ben@example.com"))
    func report(_ event: MailEvent.Kind, _ user: UserKey? = nil, email: String? = nil, reason: String? = nil) async throws {
      try await database.events.apply(
        [
          MailEvent(
            workspace: .acme, invitation: user.map { NewInvitation.id(of: $0, version: 1) }, email: email, event: event, reason: reason,
            occurredAt: .sample)
        ], at: .sample)
    }
    // A report about a mail that was never sent is ignored.
    try await report(.bounced, .ana)
    #expect(try await database.recorded(.ana).map(\.state) == ["scheduled"])
    for due in try await database.claim() { try await database.record(.sent(answer: answer), on: due) }
    try await report(.delivered, .ana)
    try await report(.bounced, email: "ben@EXAMPLE.com", reason: "mailbox full")
    #expect(try await database.recorded(.ana).map(\.state) == ["delivered"])
    #expect(try await database.nextMail(.ana) == .sample.adding(days: 3))
    #expect(try await database.history(.ben).last == RecordedState(state: "bounced", reason: "reported by the mail system: mailbox full"))
    #expect(try await database.nextMail(.ben) == nil)
    try await report(.delivered, .ben)
    #expect(try await database.recorded(.ben).map(\.state) == ["bounced"])
    try await database.apply(.user(.ben, .activated, .active, version: 2))
    #expect(try await database.recorded(.ben).map(\.state) == ["accepted"])
  }

  @Test func `Orders of an operator are executed once each`() async throws {
    let database = try await MailerDatabase.start()
    let (resend, revoke) = (CommandID.made(at: .sample), CommandID.made(at: .sample))
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.apply(.ordered(.resend(.ana), id: resend))
    try await database.apply(.ordered(.resend(.ana), id: resend))
    #expect(try await database.recorded().map(\.state).sorted() == ["revoked", "scheduled"])
    #expect(try await database.due().count == 1)
    try await database.apply(.ordered(.revoke(.ana), id: revoke))
    #expect(try await database.recorded().map(\.state) == ["revoked", "revoked"])
    try await database.apply(.ordered(.resend(.ana)))
    try await database.apply(.ordered(.revoke(.ana), id: revoke))
    #expect(try await database.due().count == 1)
  }

  @Test func `A workspace's own templates are stored and versioned`() async throws {
    let database = try await MailerDatabase.start()
    let template = InvitationTemplate(language: "de", subject: "Los geht's", text: "{{url}}")
    try await database.apply(.workspace())
    try await database.apply(.ordered(.setTemplate(template)))
    try await database.apply(.user(.ana, .created, .invited, version: 1, language: "de-AT"))
    let due = try #require(try await database.due().first)
    #expect(due.settings.templates == 1)
    #expect(try await database.invitations.workspace(.acme)?.templates == [template])
    try await database.apply(.ordered(.resetTemplate(language: "DE")))
    #expect(try await database.invitations.workspace(.acme)?.templates == [])
  }

  @Test func `People are collected in one mail for the administrator, and in the same mail again after a crash`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(policy: InvitationPolicy(sending: .digest(address: "it@acme.example"))), .user(.ana, .created, .invited, version: 1),
      .user(.ben, .created, .invited, version: 1, email: "ben@example.com"))
    let now = Date.sample.adding(seconds: 3600)
    #expect(try await database.due(at: .sample).isEmpty)
    let due = try await database.due(at: now)
    #expect(due.map(\.isDigest) == [true, true])
    let first = try #require(due.first)
    let id = InvitationID.derived("digest", first.id.description)
    let store = database.invitations
    let (together, again) = try await database.pool.withExclusiveConnection { session in
      let together = try await store.digest(of: first, in: session)
      _ = try await store.claim(together, digest: id, by: "invitation-mailer/0", at: now, in: session)
      // Another user is invited, and the mailer crashes.
      try await database.apply(.user(UserKey(workspace: .acme, id: .made(at: .sample)), .created, .invited, version: 1), at: now)
      _ = try await store.releaseClaims(heldBy: "invitation-mailer/0", at: now, in: session)
      let due = try #require(try await store.due(atMost: 1, at: now, in: session).due.first)
      #expect(due.digest == id)
      return (together, try await store.digest(of: due, in: session))
    }
    #expect(Set(together.map(\.user)) == [.ana, .ben])
    #expect(Set(again.map(\.id)) == Set(together.map(\.id)))
  }
}

@Suite("Sign-ins of known users", .serialized, .timeLimit(.minutes(10)))
struct KnownSignInTests {
  private func signIn(_ email: String?, user: UserID? = nil, at time: Date = .sample) throws -> ReceivedSignIn {
    let signIn = SignIn(workspace: .acme, email: email, user: user, signedInAt: time, method: "saml")
    return ReceivedSignIn(signIn, of: try signIn.cloudEvent(id: UUID().uuidString, source: "product", time: time, traceparent: nil))
  }

  @Test func `request a promotion unless the user is active`() async throws {
    let database = try await MailerDatabase.start()
    let store = SignInStore(pool: database.pool)
    try await database.apply(
      .workspace(), .user(.ana, .activated, .active, version: 2), .user(.ben, .created, .invited, version: 1, email: "ben@example.com"))
    let known = [try signIn("ANA@example.com"), try signIn(nil, user: .ana)]
    let unpromoted = [try signIn("ben@example.com"), try signIn(nil, user: .ben), try signIn("new@example.com")]
    #expect(try await store.toPromote(known + unpromoted) == unpromoted)
    // An active and an invited user share the address, so either may have signed in.
    try await database.apply(.user(.ben, .updated, .invited, version: 2, email: "ana@example.com"))
    #expect(try await store.toPromote([known[0]]).count == 1)
    // Sign-ins of disabled users are sent to identity-store, which records them in the audit trail.
    try await database.apply(.user(.ana, .disabled, .disabled, version: 3), .user(.ben, .deleted, .disabled, version: 3))
    #expect(try await store.toPromote(known).count == 2)
  }

  @Test func `that were skipped because of outdated state are promoted later`() async throws {
    let database = try await MailerDatabase.start()
    let store = SignInStore(pool: database.pool)
    try await database.apply(.workspace(), .user(.ana, .activated, .active, version: 2))
    // Ana is deleted, created again, and signs in before the mailer has read those events.
    #expect(try await store.toPromote([try signIn("ana@example.com", at: .sample.adding(seconds: 20))]).isEmpty)
    let decided = try await database.events.apply(
      [
        try IdentityEvent.user(.ana, .deleted, .disabled, version: 3, at: .sample.adding(seconds: 5)).received(),
        try IdentityEvent.user(.ben, .created, .invited, version: 1, at: .sample.adding(seconds: 10)).received(),
      ], at: .sample.adding(seconds: 30))
    #expect(decided.promotions.map(\.user) == [.ben])
    #expect(decided.promotions.map(\.signedInAt) == [.sample.adding(seconds: 20)])
  }

  @Test func `are stored for 400 days, and deleted together with the user`() async throws {
    let database = try await MailerDatabase.start()
    let store = SignInStore(pool: database.pool)
    try await database.apply(.workspace(), .user(.ana, .activated, .active, version: 2))
    func lastSignIn(_ name: String) async throws -> Date? {
      try await database.pool.query(
        Statement("last sign-in", "select max(signed_in_at) from mailer.skipped_sign_ins where key = $1"),
        [.bytes(SignInKey(name, in: .acme).bytes)]
      ).first?.optionalTimestamp(0)
    }
    // The SQL function mailer_read.sign_in_key computes the same key.
    let workspace = try #require(WorkspaceID("01997b5d-0000-7000-8000-000000000001"))
    #expect(
      Hex.encode(SignInKey("Ana@example.com", in: workspace).bytes)
        == "23d830a394ce92e8af1326de1a93391a")
    for (name, user, seconds) in [("ANA@example.com", nil, 1.0), ("ana@example.com", nil, 2), (nil, UserKey.ana.id, 3)]
      as [(String?, UserID?, Double)]
    {
      #expect(try await store.toPromote([try signIn(name, user: user, at: .sample.adding(seconds: seconds))]).isEmpty)
    }
    #expect(try await lastSignIn("ana@example.com") == .sample.adding(seconds: 2))
    #expect(try await lastSignIn("\(UserKey.ana.id)") == .sample.adding(seconds: 3))
    try await database.invitations.deleteOldRecords(at: .sample.adding(seconds: 390 * InvitationPlan.day))
    #expect(try await lastSignIn("ana@example.com") != nil)
    // A sign-in after the deletion may belong to another user with the same address.
    #expect(try await store.toPromote([try signIn("ana@example.com", at: .sample.adding(seconds: 20))]).isEmpty)
    try await database.apply(.user(.ana, .deleted, .disabled, version: 3, at: .sample.adding(seconds: 5)))
    #expect(try await lastSignIn("\(UserKey.ana.id)") == nil)
    #expect(try await lastSignIn("ana@example.com") == .sample.adding(seconds: 20))
    try await database.invitations.deleteOldRecords(at: .sample.adding(seconds: 401 * InvitationPlan.day))
    #expect(try await lastSignIn("ana@example.com") == nil)
  }

  @Test func `of active users request no promotion, one hundred thousand of them`() async throws {
    let database = try await MailerDatabase.start()
    let store = SignInStore(pool: database.pool)
    let people = (0..<1000).map { (UserKey(workspace: .acme, id: .made(at: .sample)), "person\($0)@example.com") }
    _ = try await database.events.apply(
      try people.map { try IdentityEvent.user($0.0, .activated, .active, version: 2, email: $0.1).received() }, at: .sample)
    for _ in 0..<100 {
      let unpromoted = try await store.toPromote(try people.map { try signIn($0.1, at: .now) })
      #expect(unpromoted.isEmpty)
    }
  }
}
