import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("The mailer's tables", .serialized, .timeLimit(.minutes(10)))
struct StoreTests {
  @Test func `An invitation waits for its workspace, and is due once the workspace is known`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.user(.ana, .created, .invited, version: 1))
    #expect(try await database.due().isEmpty)
    #expect(try await database.recorded() == [RecordedInvitation(state: "scheduled")])
    try await database.apply(.workspace())
    let due = try await database.due()
    #expect(due.map(\.user) == [.ana])
    #expect(
      due.first?.recipient == DueInvitation.Recipient(email: "ana@example.com", givenName: "Ana", displayName: "Ana Lopez", language: nil))
    #expect(due.first?.settings == WorkspaceVersion(workspace: .acme, version: 1, templates: 0))
    #expect(try await database.invitations.pending(at: .sample.adding(seconds: 60)) == PendingMails(count: 1, dueSince: .sample))
    #expect(try await database.invitations.pending(at: .sample.adding(seconds: -1)) == PendingMails())
  }

  @Test func `Redelivered events change nothing`() async throws {
    let database = try await MailerDatabase.start()
    let made = try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    #expect(made.count == 1)
    let due = try #require(try await database.claim().first)
    try await database.record(.sent(answer: "250 OK"), on: due)
    #expect(try await database.apply(.workspace(name: "Other"), .user(.ana, .created, .invited, version: 1)).isEmpty)
    #expect(try await database.due().isEmpty)
    #expect(try await database.recorded().map(\.state) == ["sent"])
    #expect(try await database.recorded().map(\.sentAt) == [.sample])
    try await database.apply(.user(.ana, .updated, .invited, version: 2))
    #expect(try await database.recorded().count == 1)
  }

  @Test(arguments: [
    IdentityEvent.user(.ana, .disabled, .disabled, version: 2), .user(.ana, .deleted, .disabled, version: 2),
    .user(.ana, .activated, .active, version: 2),
  ])
  func `A user who is disabled, deleted or active before the mail is sent gets no mail`(event: IdentityEvent) async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    try await database.apply(event)
    #expect(try await database.due().isEmpty)
    let isActive = if case .userChanged(let changed) = event { changed.user.state == .active } else { false }
    #expect(try await database.recorded().map(\.state) == [isActive ? "accepted" : "revoked"])
    let everything = try await database.allText()
    #expect(!everything.contains("ana@example.com"))
    #expect(!everything.contains("Lopez"))
  }

  @Test func `An invitation that a batch creates and revokes is recorded as revoked, and a later one is due`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(
      .workspace(), .user(.ana, .created, .invited, version: 1), .user(.ana, .disabled, .disabled, version: 2),
      .user(.ana, .enabled, .invited, version: 3))
    #expect(try await database.recorded().map(\.state) == ["revoked", "scheduled"])
    #expect(try await database.due().map(\.id) == [NewInvitation.id(of: .ana, version: 3)])
  }

  @Test func `No personal data of a deleted user remains, not even in a server's answer`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    let due = try #require(try await database.claim().first)
    try await database.record(.failed(answer: "550 <ana@example.com>: no such user"), on: due)
    #expect(try await database.recorded().first?.answer == "550 <ana@example.com>: no such user")
    try await database.apply(.user(.ana, .deleted, .disabled, version: 2))
    // The mail server's reply to a mail that was being sent during the deletion.
    try await database.record(.sent(answer: "250 <ana@example.com> OK"), on: due)
    #expect(try await !database.allText().contains("ana@"))
    // Redelivered older events do not restore the data.
    try await database.apply(.user(.ana, .created, .invited, version: 1))
    #expect(try await !database.allText().contains("ana@"))
  }

  @Test func `Results are recorded`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1))
    func record(_ result: DeliveryResult, at now: Date = .sample) async throws {
      let due = try #require(try await database.claim(at: now).first)
      try await database.record(result, on: due, at: now)
    }
    try await record(.retry(at: .sample.adding(seconds: 10), answer: "451 Later"))
    #expect(try await database.recorded() == [RecordedInvitation(state: "scheduled", attempts: 1, answer: "451 Later")])
    #expect(try await database.due(at: .sample.adding(seconds: 9)).isEmpty)
    #expect(try await database.due(at: .sample.adding(seconds: 10)).map(\.firstTriedAt) == [.sample])
    try await record(.postponed(answer: "connection refused"), at: .sample.adding(seconds: 10))
    #expect(try await database.recorded() == [RecordedInvitation(state: "scheduled", attempts: 1, answer: "connection refused")])
    #expect(try await database.due(at: .sample.adding(seconds: 14)).isEmpty)
    try await record(.failed(answer: "554 No"), at: .sample.adding(seconds: 15))
    #expect(try await database.recorded() == [RecordedInvitation(state: "failed", attempts: 2, answer: "554 No")])
    #expect(try await database.due(at: .sample.adding(days: 29)).isEmpty)
    #expect(
      try await database.history() == [
        RecordedState(state: "scheduled", reason: "tried again: 451 Later"),
        RecordedState(state: "scheduled", reason: "the mail server is unavailable: connection refused"),
        RecordedState(state: "failed", reason: "554 No"),
      ])
    #expect(try await database.publishedStates() == ["scheduled", "scheduled", "failed"])
  }

  @Test func `An invitation revoked while its mail is being sent stays revoked, with the time of sending`()
    async throws
  {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1))
    let due = try await database.claim()
    try await database.apply(.user(.ana, .disabled, .disabled, version: 2), .user(.ben, .disabled, .disabled, version: 2))
    for invitation in due {
      let result: DeliveryResult = invitation.user == .ana ? .sent(answer: "250 OK") : .retry(at: .sample, answer: "451 Later")
      try await database.record(result, on: invitation)
    }
    #expect(try await database.recorded(.ana) == [RecordedInvitation(state: "revoked", sentAt: .sample)])
    #expect(try await database.recorded(.ben) == [RecordedInvitation(state: "revoked", attempts: 1)])
  }

  @Test func `Without an address the invitation is recorded as failed`() async throws {
    let database = try await MailerDatabase.start()
    try await database.apply(.workspace(), .user(.ana, .created, .invited, version: 1, email: nil))
    #expect(try await database.recorded() == [RecordedInvitation(state: "failed")])
    #expect(try await database.history() == [RecordedState(state: "failed", reason: "the user has no email address")])
  }

  @Test func `A large batch is one transaction`() async throws {
    let database = try await MailerDatabase.start()
    let people = (0..<500).map { _ in UserKey(workspace: .acme, id: .made(at: .sample)) }
    let events = people.map { IdentityEvent.user($0, .created, .invited, version: 1) } + [.workspace()]
    let made = try await database.events.apply(try events.map { try $0.received() }, at: .sample)
    #expect(made.invitations.count == 500)
    #expect(try await database.due(atMost: 1000).count == 500)
    let bad = [IdentityEvent.user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1, givenName: "B\0n")]
    await #expect { try await database.events.apply(try bad.map { try $0.received() }, at: .sample) } throws: { error in
      (error as? PostgresError)?.isAboutData == true
    }
    #expect(try await database.recorded(.ana).isEmpty)
  }
}
