import Foundation
import Models
import Testing

@testable import InvitationMailer

@Suite("Invitation policies")
struct PolicyTests {
  private func changes(_ events: [IdentityEvent], known: KnownState = .acme()) -> MailerChanges {
    var decider = InvitationDecider(known: known)
    for event in events { decider.decide(event) }
    return decider.changes
  }

  private func disposition(_ policy: InvitationPolicy) -> NewInvitation.Disposition? {
    changes([.user(.ana, .created, .invited, version: 1)], known: .acme(policy)).invitations.first?.disposition
  }

  @Test func `Invitations are sent immediately, later, to the administrator, or not at all`() throws {
    guard case .scheduled(let now, _)? = disposition(InvitationPolicy()),
      case .scheduled(let later, _)? = disposition(.init(sending: .delayed(seconds: 60))),
      case .scheduled(let digest, _)? = disposition(.init(sending: .digest(address: "it@acme.example"), expiryDays: nil))
    else {
      Issue.record("not scheduled")
      return
    }
    #expect(now.delay == 0)
    #expect(now.lifetime == 2_592_000.0)
    #expect(later.delay == 60)
    #expect(digest.isDigest)
    #expect(digest.lifetime == nil)
    #expect(disposition(.init(sending: .none)) == .revoked(reason: "the workspace sends no invitations"))
  }

  @Test func `Invitations from before the workspace is known wait for its policy`() {
    let changes = changes(
      [.user(.ana, .created, .invited, version: 1), .workspace(policy: .init(sending: .none)), .workspace(name: "Other", version: 2)],
      known: KnownState())
    #expect(changes.invitations.map(\.disposition) == [.unplanned])
    #expect(changes.policies[.acme]?.sending == InvitationPolicy.Sending.none)
  }

  @Test func `A new address revokes the old invitation and sends another`() {
    let known = KnownState.acme(users: [.ana: KnownUser(version: 1, state: .invited(email: "ana@example.com"))])
    let same = changes([.user(.ana, .updated, .invited, version: 2, email: "Ana@example.com")], known: known)
    #expect(same.invitations.isEmpty)
    #expect(same.withdrawals.isEmpty)
    let moved = changes([.user(.ana, .updated, .invited, version: 2, email: "ana.lopez@example.com")], known: known)
    #expect(moved.invitations.map(\.version) == [2])
    #expect(moved.withdrawals.first?[.ana]?.upTo == 1)
    #expect(moved.withdrawals.first?[.ana]?.reason == "the person's address changed")
  }

  @Test func `An order is executed once, and does not revoke the invitation that it creates`() throws {
    let known = KnownState.acme(
      .init(sending: .delayed(seconds: 3600)), users: [.ana: KnownUser(version: 4, state: .invited(email: "ana@example.com"))])
    let order = CommandID.made(at: .sample)
    let resent = changes([.ordered(.resend(.ana), id: order), .ordered(.resend(.ana), id: order)], known: known)
    let resentInvitation = try #require(resent.invitations.first)
    #expect(resent.invitations.count == 1)
    guard case .scheduled(let plan, let reason) = resentInvitation.disposition else {
      Issue.record("not scheduled")
      return
    }
    #expect(plan.delay == 0)
    #expect(reason == "operator:eve requested it")
    #expect(resent.withdrawals.map { $0[.ana]?.except } == [resentInvitation.id])
    #expect(resent.withdrawals.map { $0[.ana]?.upTo } == [4])
    var executed = known
    executed.orders = [order]
    #expect(changes([.ordered(.resend(.ana), id: order)], known: executed) == MailerChanges())
    let notInvited = changes([.ordered(.resend(.ana))], known: .acme(users: [.ana: KnownUser(version: 5)]))
    #expect(notInvited.invitations.isEmpty)
  }

  @Test func `Withdrawals of one batch keep their order`() {
    let changes = changes([
      .user(.ana, .created, .invited, version: 1), .ordered(.resend(.ana)), .ordered(.revoke(.ana)),
      .user(.ana, .activated, .active, version: 2),
    ])
    #expect(changes.withdrawals.map { $0[.ana]?.state } == [.revoked, .revoked, .accepted])
  }

  @Test(arguments: [(0, 1, 3.0), (1, 2, 4), (2, 3, 7)])
  func `Reminders follow after the configured days`(sent: Int, next: Int, days: Double) throws {
    let policy = InvitationPolicy(reminderDays: [3, 7, 14])
    let reminder = try #require(policy.reminder(after: sent, now: .sample))
    #expect(reminder.reminder == next)
    #expect(reminder.at == .sample.adding(days: days))
    #expect(policy.reminder(after: 3, now: .sample) == nil)
  }

  @Test func `A rejected reminder leaves the invitation sent, a bounced one does not`() {
    func record(_ result: DeliveryResult, reminder: Int) -> MailRecord {
      MailRecord(
        result, reminder: reminder, attempts: 2, firstTriedAt: .sample, isDigest: false, policy: InvitationPolicy(), now: .sample,
        pause: .zero
      )
    }
    #expect(record(.failed(answer: "554 no"), reminder: 1).state == .sent)
    #expect(record(.failed(answer: "554 no"), reminder: 1).nextAttemptAt == .sample.adding(days: 4))
    #expect(record(.failed(answer: "554 no"), reminder: 0).state == .failed)
    #expect(record(.bounced(answer: "550 no"), reminder: 1).state == .bounced)
    #expect(record(.retry(at: .sample, answer: "451"), reminder: 1).state == .sent)
    #expect(record(.sent(answer: "250"), reminder: 2).nextAttemptAt == nil)
    #expect(record(.sent(answer: "250"), reminder: 1).reminder == 2)
    #expect(record(.sent(answer: "250"), reminder: 1).attempts == 0)
  }

  @Test func `A skipped sign-in is promoted later if it turns out to count`() {
    var known = KnownState.acme()
    known.skippedSignIns[WorkspaceSignInKey(.acme, SignInKey("ana@example.com", in: .acme))] = .sample.adding(seconds: 5)
    let invited = IdentityEvent.user(.ana, .created, .invited, version: 1)
    #expect(changes([invited], known: known).promotions.map(\.user) == [.ana])
    #expect(
      changes([invited], known: known).promotions.first?.command.operation
        == .promoteUser(SignIn(workspace: .acme, email: nil, user: .ana, signedInAt: .sample.adding(seconds: 5))))
    #expect(changes([.user(.ana, .disabled, .disabled, version: 2)], known: known).promotions.count == 1)
    #expect(changes([.user(.ana, .activated, .active, version: 2)], known: known).promotions.isEmpty)
    // A sign-in before the change does not count.
    #expect(changes([.user(.ana, .created, .invited, version: 1, at: .sample.adding(seconds: 6))], known: known).promotions.isEmpty)
  }
}

@Suite("Rate limit per domain")
struct DomainRateLimiterTests {
  @Test func `assigns each mail that exceeds the limit a time slot, per domain`() {
    var limiter = DomainRateLimiter(rate: 2)
    #expect((0..<3).map { _ in limiter.slot(for: "a.example", at: .sample) } == [0, 0.5, 1].map { Date.sample.adding(seconds: $0) })
    #expect(limiter.slot(for: "b.example", at: .sample) == .sample)
    #expect(limiter.slot(for: "a.example", at: .sample.adding(seconds: 0.5), isWaiting: true) == .sample.adding(seconds: 0.5))
    #expect(limiter.slot(for: "a.example", at: .sample.adding(seconds: 60)) == .sample.adding(seconds: 60))
  }

  @Test func `is unlimited by default`() {
    var limiter = DomainRateLimiter(rate: nil)
    #expect((0..<100).allSatisfy { _ in limiter.slot(for: "a.example", at: .sample) == .sample })
  }
}

@Suite("Rate of sending")
struct SendRateTests {
  @Test func `allows claiming as many mails ahead as were sent in the last or the present window, and eight per connection at most`() {
    let start = ContinuousClock.now
    var rate = SendRate(startingAt: start)
    for _ in 0..<5 { rate.count(at: start) }
    #expect(rate.claimAhead(connections: 8) == 5)
    rate.count(at: start + SendRate.window * 1.5)
    #expect(rate.claimAhead(connections: 8) == 5)
    for _ in 0..<10 { rate.count(at: start + SendRate.window * 1.6) }
    #expect(rate.claimAhead(connections: 8) == 11)
    #expect(rate.claimAhead(connections: 1) == 8)
  }

  @Test func `ignores a window that ended long ago`() {
    let start = ContinuousClock.now
    var rate = SendRate(startingAt: start)
    for _ in 0..<5 { rate.count(at: start) }
    rate.count(at: start + SendRate.window * 3)
    #expect(rate.claimAhead(connections: 8) == 1)
  }
}
