import Foundation
import Logging
import Metrics
import ServiceKit

/// Sends one invitation and writes down what became of it.
struct SendingDesk: Sendable {
  let store: InvitationStore
  let composer: InvitationComposer
  let schedule: RetrySchedule
  let status: MailServerStatus
  let patience: Patience
  let logger: Logger

  private let sent = Counter(label: "rollcall_mailer_invitations_sent_total")
  private let failed = Counter(label: "rollcall_mailer_invitations_failed_total")
  private let retried = Counter(label: "rollcall_mailer_invitations_retried_total")
  private let duration = Timer(label: "rollcall_mailer_send_seconds")

  init(store: InvitationStore, composer: InvitationComposer, schedule: RetrySchedule, status: MailServerStatus, logger: Logger) {
    self.store = store
    self.composer = composer
    self.schedule = schedule
    self.status = status
    patience = Patience(logger: logger)
    self.logger = logger
  }

  /// - Parameter pause: By how much the invitation is put off where the server is away.
  /// - Returns: Whether the server was there.
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is away; an error that waiting does not mend.
  func send(_ invitation: DueInvitation, over connection: SMTPConnection, pause: Duration) async throws -> Bool {
    try await TraceContext.continuing(invitation.traceparent).run {
      let verdict = await attempt(invitation, over: connection)
      // Between the server's 250 and this commit lies the one window in which a crash makes a mail go out twice. Nothing else is done
      // in it, and the Message-ID is the same both times, so that mail programs show one.
      try await patience.untilItPasses("recording a sent invitation") {
        try await store.record(verdict, on: invitation, at: .now, postponedBy: pause)
      }
      report(verdict, on: invitation)
      if case .postponed = verdict { return false }
      return true
    }
  }

  private func attempt(_ invitation: DueInvitation, over connection: SMTPConnection) async -> RetrySchedule.Verdict {
    guard !invitation.notice.email.isEmpty else { return .failed(answer: InvitationDecider.noAddress) }
    let letter: Letter
    do {
      letter = try composer.letter(for: invitation.notice, at: .now)
    } catch {
      return .failed(answer: "\(error)")
    }
    let began = ContinuousClock.now
    let outcome = await connection.send(letter)
    duration.record(duration: ContinuousClock.now - began)
    if case .unreachable(let reason) = outcome { status.isAway(reason) } else { status.isThere() }
    return schedule.verdict(on: outcome, attempts: invitation.attempts, createdAt: invitation.createdAt, now: .now)
  }

  private func report(_ verdict: RetrySchedule.Verdict, on invitation: DueInvitation) {
    var metadata: Logger.Metadata = [
      "invitation": "\(invitation.id)", "workspace": "\(invitation.workspace)", "user": "\(invitation.user)",
      "attempt": "\(invitation.attempts + 1)",
    ]
    switch verdict {
    case .sent(let answer):
      sent.increment()
      metadata["answer"] = "\(answer)"
      logger.info("invitation sent", metadata: metadata)
    case .failed(let answer):
      failed.increment()
      metadata["answer"] = "\(answer)"
      logger.error("invitation failed; it is not tried again", metadata: metadata)
    case .retry(let time, let answer):
      retried.increment()
      metadata["answer"] = "\(answer)"
      metadata["again_at"] = "\(time.formatted(.iso8601))"
      logger.warning("invitation not taken yet; it is tried again", metadata: metadata)
    case .postponed(let answer):
      metadata["answer"] = "\(answer)"
      metadata["attempt"] = nil
      logger.warning("the mail server is away; invitations wait for it", metadata: metadata)
    }
  }
}
