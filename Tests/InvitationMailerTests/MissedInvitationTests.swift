import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("Missed invitations", .serialized, .timeLimit(.minutes(10)))
struct MissedInvitationTests {
  private func restated(
    _ missing: Restatement.Invitations, created: Date, version: Int64 = 4, email: String = "ana@example.com", at now: Date = .sample
  ) -> IdentityEvent {
    .user(
      .ana, .restated, .invited, version: version, email: email, at: now, invitation: .init(createdAt: created, missing: missing))
  }

  private func changes(_ event: IdentityEvent, known: KnownState) -> MailerChanges {
    var decider = InvitationDecider(known: known)
    decider.decide(event)
    return decider.changes
  }

  @Test(arguments: [
    // Created after the mailer's database: no previous database can have sent the mail.
    (Restatement.Invitations.missing, 1.0, InvitationState?.some(.scheduled)), (.missing, -1, nil), (.none, 1, nil), (.none, -1, nil),
    (.all, 1, .scheduled), (.all, -1, .scheduled),
    // The workspace's invitations are valid for 30 days.
    (.all, -21, .expired),
  ])
  func `are sent if the operator requests it and the user cannot have been mailed before`(
    missing: Restatement.Invitations, day: Double, expected: InvitationState?
  ) {
    var known = KnownState.acme()
    known.databaseCreatedAt = .sample.adding(days: -10)
    let event = restated(missing, created: known.databaseCreatedAt.adding(days: day))
    let states = expected.map { [$0] } ?? []
    #expect(changes(event, known: known).invitations.map(\.disposition.state) == states)
    // The user is known from an event that created no invitation, or from an earlier rebuild.
    known.users[.ana] = KnownUser(version: 4, state: .invited(email: "ana@example.com"), hasInvitation: false)
    #expect(changes(event, known: known).invitations.map(\.disposition.state) == states)
    known.users[.ana]?.hasInvitation = true
    #expect(changes(event, known: known).invitations.isEmpty)
    #expect(changes(.user(.ana, .restated, .invited, version: 4), known: known).invitations.isEmpty)
  }

  @Test(arguments: [(Restatement.Invitations.missing, 1), (.all, 1), (.none, 0)])
  func `of a user whose re-enabling was lost are sent, however long the user has been known`(
    missing: Restatement.Invitations, count: Int
  ) {
    var known = KnownState.acme(users: [.ana: KnownUser(version: 3, state: .other)])
    known.databaseCreatedAt = .sample
    let event = restated(missing, created: .sample.adding(days: -100))
    #expect(changes(event, known: known).invitations.filter { $0.disposition.state == .scheduled }.count == count)
    known.users[.ana]?.version = 4
    #expect(changes(event, known: known).invitations.isEmpty)
  }

  @Test func `are sent once, even if the rebuild is repeated and the lost event arrives`() async throws {
    let database = try await MailerDatabase.start()
    let created = Date.now
    let event = restated(.missing, created: created, at: created.addingTimeInterval(5))
    try await database.apply(.workspace(), event)
    try await database.apply(event)
    try await database.apply(.user(.ana, .created, .invited, version: 1), .user(.ana, .updated, .invited, version: 3))
    try await database.apply(restated(.all, created: created, version: 5, at: created.addingTimeInterval(9)))
    #expect(try await database.recorded().map(\.state) == ["scheduled"])
  }

  @Test func `of an unknown workspace wait for its policy, and are as old as the person`() async throws {
    let database = try await MailerDatabase.start()
    let created = Date.now
    try await database.apply(restated(.all, created: created), at: created.adding(days: 40))
    try await database.apply(.workspace(), at: created.adding(days: 40))
    let expired = try await database.pool.withExclusiveConnection {
      try await database.invitations.expire(at: created.adding(days: 40), in: $0)
    }
    #expect(expired == 1)
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
  }

  @Test func `are not sent after a skipped sign-in that counts: the person is promoted`() async throws {
    var known = KnownState.acme(users: [.ana: KnownUser(version: 4, state: .other)])
    known.skippedSignIns[WorkspaceSignInKey(.acme, SignInKey("ana@example.com", in: .acme))] = .sample.adding(seconds: -5)
    let decided = changes(restated(.missing, created: .sample.adding(days: -1)), known: known)
    #expect(decided.promotions.map(\.user) == [.ana])
  }
}

@Suite("A row that differs from identity-store", .serialized, .timeLimit(.minutes(10)))
struct RowCorrectionTests {
  @Test func `is corrected by a restatement of the same version, which sends no mail`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(), .user(.ana, .created, .invited, version: 3), .user(.ben, .created, .invited, version: 2, email: "ben@example.com"))
    try await database.execute("update mailer.users set email = 'wrong@example.com', given_name = 'Wrong'")
    // A redelivered event corrects nothing, because only a restatement contains the current state.
    try await database.apply(.user(.ana, .created, .invited, version: 3))
    #expect(Set(try await database.due().map(\.recipient.email)) == ["wrong@example.com"])
    let invitation = UserChanged.RestatedInvitation(createdAt: .sample, missing: .missing)
    try await database.apply(
      .user(.ana, .restated, .invited, version: 3, invitation: invitation),
      .user(.ben, .restated, .active, version: 2, email: "ben@example.com"))
    #expect(try await database.due().map(\.recipient.email) == ["ana@example.com"])
    #expect(try await database.due().map(\.recipient.givenName) == ["Ana"])
    #expect(try await database.recorded(.ben).map(\.state) == ["accepted"])
    try await database.execute("update mailer.users set state = 'invited', email = 'ben@example.com' where state = 'active'")
    try await database.apply(.user(.ben, .deleted, .disabled, version: 2))
    #expect(try await !database.allText().contains("ben@example.com"))
  }

  @Test func `is corrected for workspaces too, and used for the next mail`() async throws {
    let database = try await MailerDatabase.start()
    let known = WorkspaceCache(store: database.invitations)
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.execute("update mailer.workspaces set settings = jsonb_set(settings, '{name}', '\"Wrong\"')")
    let before = try #require(try await database.due().first)
    #expect(try await known.entry(before.settings)?.settings.name == "Wrong")
    try await database.apply(.workspace())
    let after = try #require(try await database.due().first)
    #expect(try await known.entry(after.settings)?.settings.name == "Acme Data")
    try await database.apply(.workspace())
    #expect(try await database.due().first?.settings == after.settings)
  }
}
