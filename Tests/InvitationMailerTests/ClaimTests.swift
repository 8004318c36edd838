import Foundation
import MailTemplates
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("Claims", .serialized, .timeLimit(.minutes(10)))
struct ClaimTests {
  private func apply(
    _ events: [IdentityEvent], on database: MailerDatabase, queue: MailQueue, at now: Date = .sample
  ) async throws {
    let store = EventStore(pool: database.pool, queue: queue, instance: "invitation-mailer/0")
    _ = try await store.apply(try events.map { try $0.received() }, at: now)
  }

  @Test func `The transaction that stores an invitation claims it for the leader`() async throws {
    let (database, queue) = (try await MailerDatabase.start(), MailQueue())
    try await database.apply(.workspace())
    queue.open(limit: 1)
    let events = [
      IdentityEvent.user(.ana, .created, .invited, version: 1, language: "de"),
      .user(.ben, .created, .invited, version: 1, email: "ben@example.com"),
    ]
    try await apply(events, on: database, queue: queue)
    let claimed = try #require(queue.next()?.invitations.first)
    #expect(queue.count == 0)
    #expect(
      claimed.recipient
        == DueInvitation.Recipient(email: "ana@example.com", givenName: "Ana", displayName: "Ana Lopez", language: "de"))
    #expect(claimed.settings == WorkspaceVersion(workspace: .acme, version: 1, templates: 0))
    #expect(try await database.recorded(.ana).map(\.state) == ["sending"])
    // There was no room for the other one, which the leader has to look for.
    #expect(queue.nextDue <= .sample)
    #expect(try await database.due().map(\.user) == [.ben])
    try await database.record(.sent(answer: "250 OK"), on: claimed)
    #expect(
      try await database.recorded(.ana) == [RecordedInvitation(state: "sent", answer: "250 OK", sentAt: .sample)])
    // A redelivered event claims nothing.
    queue.open(limit: 10)
    try await apply(events, on: database, queue: queue)
    #expect(queue.count == 0)
  }

  @Test func `Only mails that are due and remain so are claimed`() async throws {
    let (database, queue) = (try await MailerDatabase.start(), MailQueue())
    queue.open(limit: 10)
    // The workspace is not known before the batch, which may change its templates.
    try await apply([.workspace(), .user(.ana, .created, .invited, version: 1)], on: database, queue: queue)
    // The person is disabled in the same batch.
    try await apply(
      [.user(.ben, .created, .invited, version: 1, email: "ben@example.com"), .user(.ben, .disabled, .disabled, version: 2)],
      on: database, queue: queue)
    try await database.apply(.workspace(version: 2, policy: InvitationPolicy(sending: .delayed(seconds: 60))))
    let later = UserKey(workspace: .acme, id: .made(at: .sample))
    try await apply([.user(later, .created, .invited, version: 1)], on: database, queue: queue)
    try await database.apply(.workspace(version: 3, policy: InvitationPolicy(sending: .digest(address: "it@acme.example"))))
    let together = UserKey(workspace: .acme, id: .made(at: .sample))
    try await apply([.user(together, .created, .invited, version: 1)], on: database, queue: queue)
    #expect(queue.count == 0)
    #expect(try await database.recorded(.ana).map(\.state) == ["scheduled"])
    #expect(try await database.recorded(.ben).map(\.state) == ["revoked"])
    #expect(try await database.recorded(later).map(\.state) == ["scheduled"])
    #expect(try await database.recorded(together).map(\.state) == ["scheduled"])
  }

  @Test func `A failed transaction leaves room for others, and its claims are released if they were committed`() async throws {
    let (database, queue) = (try await MailerDatabase.start(), MailQueue())
    try await database.apply(.workspace())
    queue.open(limit: 1)
    await #expect(throws: PostgresError.self) {
      try await apply([.user(.ana, .created, .invited, version: 1, givenName: "A\0na")], on: database, queue: queue)
    }
    let abandoned = queue.takeAbandoned()
    #expect(abandoned.map(\.user) == [.ana])
    try await apply([.user(.ana, .created, .invited, version: 1)], on: database, queue: queue, at: .sample.adding(seconds: 1))
    #expect(queue.count == 1)
    // The release of the failed claim does not end the later one.
    try await database.pool.withExclusiveConnection { try await database.invitations.release(abandoned, at: .sample, in: $0) }
    #expect(try await database.recorded(.ana).map(\.state) == ["sending"])
    let claimed = try #require(queue.next()?.invitations)
    try await database.pool.withExclusiveConnection { try await database.invitations.release(claimed, at: .sample, in: $0) }
    #expect(try await database.due(at: .sample.adding(seconds: 1)).map(\.user) == [.ana])
    #expect(try await database.history().isEmpty)
  }

  @Test func `A claim changes no index, and a released one neither`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    let due = try #require(try await database.due().first)
    let hot = Statement("hot updates", "select pg_stat_get_xact_tuples_hot_updated('mailer.invitations'::regclass)")
    let updates = try await database.pool.transaction { transaction in
      _ = try await transaction.query(
        InvitationStatements.claim,
        [.uuidArray([due.workspace.uuid]), .uuidArray([due.id.uuid]), .timestamp(.sample), .null, .text("invitation-mailer/0")])
      _ = try await transaction.query(
        InvitationStatements.release,
        [.uuidArray([due.workspace.uuid]), .uuidArray([due.id.uuid]), .timestampArray([.sample]), .timestamp(.sample)])
      return try await transaction.query(hot).first?.int(0)
    }
    #expect(updates == 2)
    #expect(try await database.due().count == 1)
  }

  @Test func `The claims of a replica that has ended are released after a time, with the time of the claim in the history`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.claim(by: "invitation-mailer/1")
    func release(before time: Date) async throws -> Int {
      try await database.pool.withExclusiveConnection { session in
        try await database.invitations.releaseClaims(
          notHeldBy: "invitation-mailer/0", before: time, at: .sample.adding(seconds: 120), in: session)
      }
    }
    #expect(try await release(before: .sample) == 0)
    #expect(try await release(before: .sample.adding(seconds: 1)) == 1)
    #expect(try await database.history().map(\.state) == ["sending", "scheduled"])
    #expect(try await database.publishedStates() == ["sending", "scheduled"])
    #expect(try await database.due(at: .sample.adding(seconds: 120)).count == 1)
  }
}
