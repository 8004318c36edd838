import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import invitation_mailer

@Suite("The mailer's tables", .serialized, .timeLimit(.minutes(2)))
struct StoreTests {
  @Test func `An invitation waits for its workspace, and is due once that is known`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.user(.ana, .created, .invited, version: 1))
    #expect(try await database.due().isEmpty)
    #expect(try await database.recorded() == [RecordedInvitation(state: "pending")])
    try await database.apply(.workspace())
    let due = try await database.due()
    #expect(due.map(\.user) == [.ana])
    #expect(
      due.first?.notice
        == InvitationNotice(
          id: NewInvitation.id(of: .ana, version: 1), email: "ana@example.com", givenName: "Ana", displayName: "Ana Lopez", language: nil,
          workspaceName: "Acme Data", signInURL: "https://acme.example.com/sign-in"))
    #expect(try await database.invitations.pending() == 1)
  }

  @Test func `Events that come again change nothing`() async throws {
    let database = try await MailerDatabase.start()
    let made = try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    #expect(made.count == 1)
    let due = try #require(try await database.due().first)
    try await database.invitations.record(.sent(answer: "250 OK"), on: due, at: .sample, postponedBy: .zero)
    #expect(try await database.apply(.workspace(name: "Other"), .user(.ana, .created, .invited, version: 1)).isEmpty)
    #expect(try await database.due().isEmpty)
    #expect(try await database.recorded() == [RecordedInvitation(state: "sent", attempts: 1, answer: "250 OK", sentAt: .sample)])
    try await database.apply(.user(.ana, .updated, .invited, version: 2))
    #expect(try await database.recorded().count == 1)
  }

  @Test(arguments: [
    IdentityEvent.user(.ana, .disabled, .disabled, version: 2), .user(.ana, .deleted, .disabled, version: 2),
    .user(.ana, .activated, .active, version: 2),
  ])
  func `Who was disabled, deleted or active before the mail went out is not mailed`(event: IdentityEvent) async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.apply(event)
    #expect(try await database.due().isEmpty)
    #expect(try await database.recorded().map(\.state) == ["cancelled"])
    let everything = try await database.everything()
    #expect(!everything.contains("ana@example.com"))
    #expect(!everything.contains("Lopez"))
  }

  @Test func `What a batch both makes and takes back is on record as cancelled, and an invitation after that is due`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(), .user(.ana, .created, .invited, version: 1), .user(.ana, .disabled, .disabled, version: 2),
      .user(.ana, .enabled, .invited, version: 3))
    #expect(try await database.recorded().map(\.state) == ["cancelled", "pending"])
    #expect(try await database.due().map(\.id) == [NewInvitation.id(of: .ana, version: 3)])
  }

  @Test func `Nothing personal is left of a deleted user, not even in a server's answer`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    let due = try #require(try await database.due().first)
    try await database.invitations.record(.failed(answer: "550 <ana@example.com>: no such user"), on: due, at: .sample, postponedBy: .zero)
    #expect(try await database.recorded().first?.answer == "550 <ana@example.com>: no such user")
    try await database.apply(.user(.ana, .deleted, .disabled, version: 2))
    // The mail server's answer to a mail that was under way meanwhile.
    try await database.invitations.record(.sent(answer: "250 <ana@example.com> OK"), on: due, at: .sample, postponedBy: .zero)
    #expect(try await !database.everything().contains("ana@"))
    // Old events do not bring the person back.
    try await database.apply(.user(.ana, .created, .invited, version: 1))
    #expect(try await !database.everything().contains("ana@"))
  }

  @Test func `Outcomes are recorded`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    let due = try #require(try await database.due().first)
    func record(_ verdict: RetrySchedule.Verdict) async throws {
      try await database.invitations.record(verdict, on: due, at: .sample, postponedBy: .seconds(5))
    }
    try await record(.retry(at: .sample.addingTimeInterval(10), answer: "451 Later"))
    #expect(try await database.recorded() == [RecordedInvitation(state: "pending", attempts: 1, answer: "451 Later")])
    #expect(try await database.due(at: .sample.addingTimeInterval(9)).isEmpty)
    #expect(try await database.due(at: .sample.addingTimeInterval(10)).map(\.attempts) == [1])
    try await record(.postponed(answer: "connection refused"))
    #expect(try await database.recorded() == [RecordedInvitation(state: "pending", attempts: 1, answer: "connection refused")])
    #expect(try await database.due(at: .sample.addingTimeInterval(4)).isEmpty)
    #expect(try await database.due(at: .sample.addingTimeInterval(5)).count == 1)
    try await record(.failed(answer: "550 No"))
    #expect(try await database.recorded() == [RecordedInvitation(state: "failed", attempts: 2, answer: "550 No")])
    #expect(try await database.due(at: .distantFuture).isEmpty)
  }

  @Test func `A mail that was taken while its invitation was cancelled is on record as sent; one that was not stays cancelled`()
    async throws
  {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1))
    let due = try await database.due()
    try await database.apply(.user(.ana, .disabled, .disabled, version: 2), .user(.ben, .disabled, .disabled, version: 2))
    for invitation in due {
      let verdict: RetrySchedule.Verdict = invitation.user == .ana ? .sent(answer: "250 OK") : .retry(at: .sample, answer: "451 Later")
      try await database.invitations.record(verdict, on: invitation, at: .sample, postponedBy: .zero)
    }
    #expect(try await database.recorded(.ana) == [RecordedInvitation(state: "sent", attempts: 1, sentAt: .sample)])
    #expect(try await database.recorded(.ben) == [RecordedInvitation(state: "cancelled")])
  }

  @Test func `Without an email address the invitation is on record as failed`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1, email: nil))
    #expect(try await database.recorded() == [RecordedInvitation(state: "failed", answer: "the user has no email address")])
  }

  @Test func `A batch of many is one transaction`() async throws {
    let database = try await MailerDatabase.start()
    let people = (0..<500).map { _ in UserKey(workspace: .acme, id: .made(at: .sample)) }
    let events = people.map { IdentityEvent.user($0, .created, .invited, version: 1) } + [.workspace()]
    let made = try await database.events.apply(try events.map { try $0.received() }, at: .sample)
    #expect(made.count == 500)
    #expect(try await database.due(atMost: 1000).count == 500)
    let bad = [IdentityEvent.user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1, givenName: "B\0n")]
    await #expect { try await database.events.apply(try bad.map { try $0.received() }, at: .sample) } throws: { error in
      (error as? PostgresError)?.isAboutData == true
    }
    #expect(try await database.recorded(.ana).isEmpty)
  }
}
