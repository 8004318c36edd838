import Foundation
import Models
import Testing

@testable import InvitationMailer

@Suite("Retry schedule")
struct RetryScheduleTests {
  private let schedule = RetrySchedule(first: .seconds(10), longest: .seconds(60), giveUp: .seconds(3600))
  private let now = Date.sample

  private func result(of outcome: SMTPOutcome, attempts: Int = 0, age: TimeInterval = 0, jitter: Double = 0.5) -> DeliveryResult {
    schedule.result(of: outcome, attempts: attempts, firstTriedAt: age == 0 ? nil : now.addingTimeInterval(-age), now: now, jitter: jitter)
  }

  @Test func `An accepted mail is sent`() {
    #expect(result(of: .accepted(SMTPReply(code: 250, text: "2.0.0 Ok"))) == .sent(answer: "250 2.0.0 Ok"))
  }

  @Test func `A permanently rejected address has bounced, with the server's answer`() {
    #expect(
      result(of: .refused(SMTPReply(code: 550, text: "5.1.1 No such user"), at: .recipient)) == .bounced(answer: "550 5.1.1 No such user"))
  }

  @Test func `Problems that only the customer can fix are warnings, those that the operator can fix are errors`() {
    #expect(result(of: .refused(SMTPReply(code: 550, text: "5.1.1 No such user"), at: .recipient)).logLevel == .warning)
    #expect(result(of: .refused(SMTPReply(code: 550, text: "5.7.1 Relaying denied"), at: .sender)).logLevel == .error)
    #expect(DeliveryResult.unsendable(reason: InvitationDecider.noAddress).logLevel == .warning)
    let record = MailRecord(
      .unsendable(reason: InvitationDecider.noAddress), reminder: 0, attempts: 0, firstTriedAt: nil, isDigest: false,
      policy: InvitationPolicy(), now: now, pause: .seconds(1))
    #expect(record.state == .failed && record.reason == InvitationDecider.noAddress && record.nextAttemptAt == nil)
  }

  @Test func `Jitter varies the delay by a quarter in either direction`() {
    let outcome = SMTPOutcome.interrupted(reason: "cut")
    #expect(result(of: outcome, jitter: 0) == .retry(at: now.addingTimeInterval(7.5), answer: "cut"))
    #expect(result(of: outcome, jitter: 1) == .retry(at: now.addingTimeInterval(12.5), answer: "cut"))
  }

  @Test(arguments: [SMTPPhase.sender, .content])
  func `A permanently rejected mail has failed, with the server's answer`(phase: SMTPPhase) {
    #expect(result(of: .refused(SMTPReply(code: 550, text: "5.1.1 No such user"), at: phase)) == .failed(answer: "550 5.1.1 No such user"))
  }

  @Test(arguments: [(0, 10.0), (1, 20), (2, 40), (3, 60), (30, 60), (100_000, 60)])
  func `A temporarily rejected mail is retried, with growing delays`(attempts: Int, pause: TimeInterval) {
    #expect(
      result(of: .refused(SMTPReply(code: 451, text: "4.3.0 Later"), at: .recipient), attempts: attempts)
        == .retry(at: now.addingTimeInterval(pause), answer: "451 4.3.0 Later"))
    #expect(
      result(of: .interrupted(reason: "connection reset"), attempts: attempts)
        == .retry(at: now.addingTimeInterval(pause), answer: "connection reset"))
  }

  @Test func `A mail that is rejected temporarily for too long has failed`() {
    let outcome = SMTPOutcome.refused(SMTPReply(code: 452, text: "4.2.2 Mailbox full"), at: .recipient)
    #expect(
      result(of: outcome, attempts: 6, age: 3600) == .failed(answer: "given up after 7 attempts; the last answer: 452 4.2.2 Mailbox full"))
  }

  @Test func `An unavailable server does not count as an attempt, however long it is unavailable`() {
    #expect(result(of: .unreachable(reason: "connection refused"), attempts: 3, age: 1e7) == .postponed(answer: "connection refused"))
  }
}
