import Foundation
import Models
import Testing

@testable import InvitationMailer

@Suite("The queue of claimed mails")
struct MailQueueTests {
  private func mail(_ number: UInt8) -> DueInvitation {
    DueInvitation(
      workspace: .acme, id: InvitationID(bytes: Array(repeating: number, count: 16)), user: .ana, reminder: 0, attempts: 0,
      recipient: DueInvitation.Recipient(email: "ana@example.com"), settings: WorkspaceVersion(workspace: .acme, version: 1, templates: 0),
      isDigest: false, dueAt: .sample, claimedAt: .sample)
  }

  @Test func `Only a leader reserves room, and no more than the limit`() throws {
    let queue = MailQueue()
    #expect(queue.reserve(upTo: 10) == nil)
    queue.open(limit: 5)
    let first = try #require(queue.reserve(upTo: 3))
    let second = try #require(queue.reserve(upTo: 10))
    #expect((first.count, second.count) == (3, 2))
    #expect(queue.reserve(upTo: 1) == nil)
    queue.fulfil(first, with: [mail(1), mail(2)])
    // One of three was not used.
    let third = try #require(queue.reserve(upTo: 10))
    #expect(third.count == 1)
    queue.cancel(second, claims: [])
    queue.cancel(third, claims: [])
    #expect(queue.next()?.invitations.map(\.id) == [mail(1).id])
    #expect(queue.reserve(upTo: 10)?.count == 4)
    #expect(queue.takeAbandoned().isEmpty)
  }

  @Test func `Claims of a transaction that outlasts the leadership are released, not sent`() throws {
    let queue = MailQueue()
    queue.open(limit: 5)
    let (late, failed) = (try #require(queue.reserve(upTo: 1)), try #require(queue.reserve(upTo: 1)))
    #expect(queue.close().isEmpty)
    queue.open(limit: 5)
    queue.fulfil(late, with: [mail(1)])
    queue.cancel(failed, claims: [mail(2)])
    #expect(queue.count == 0)
    #expect(queue.reserve(upTo: 10)?.count == 5)
    #expect(queue.takeAbandoned().map(\.id) == [mail(1).id, mail(2).id])
    #expect(queue.takeAbandoned().isEmpty)
  }

  @Test func `Mails that are stored during a look at the database are not forgotten`() {
    let queue = MailQueue()
    queue.beginLook()
    queue.noteDue(at: .sample)
    queue.endLook(nextDue: .sample.adding(seconds: 60))
    #expect(queue.nextDue == .sample)
    queue.beginLook()
    queue.endLook(nextDue: .sample.adding(seconds: 60))
    #expect(queue.nextDue == .sample.adding(seconds: 60))
  }
}
