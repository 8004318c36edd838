import Foundation
import Logging
import MailTemplates
import Metrics
import Models
import Outbox
import ServiceKit

/// Sends one mail and has it written down what became of it.
struct MailSender: Sendable {
  let store: InvitationStore
  let composer: InvitationComposer
  let schedule: RetrySchedule
  let status: MailServerStatus
  let logger: Logger
  let workspaces: WorkspaceCache
  let patience: RetryPolicy
  private let recorder: MailRecorder

  private let sent = Counter(label: "rollcall_mailer_invitations_sent_total")
  private let failed = Counter(label: "rollcall_mailer_invitations_failed_total")
  private let bounced = Counter(label: "rollcall_mailer_invitations_bounced_total")
  private let retried = Counter(label: "rollcall_mailer_invitations_retried_total")
  let toldAdministrators = Counter(label: "rollcall_mailer_notices_sent_total")
  let untoldAdministrators = Counter(label: "rollcall_mailer_notices_failed_total")
  private let duration = Timer(label: "rollcall_mailer_send_seconds")

  init(store: InvitationStore, composer: InvitationComposer, schedule: RetrySchedule, status: MailServerStatus, logger: Logger) {
    self.store = store
    self.composer = composer
    self.schedule = schedule
    self.status = status
    self.logger = logger
    workspaces = WorkspaceCache(store: store)
    patience = RetryPolicy(logger: logger)
    recorder = MailRecorder(store: store, patience: patience)
  }

  /// What came of handing a mail over.
  struct Attempt: Sendable {
    var verdict: RetrySchedule.Verdict
    /// Of the workspace: what follows a mail that went out.
    var policy: InvitationPolicy

    /// Whether there was a server to hand it to.
    var isServerThere: Bool {
      if case .postponed = verdict { return false }
      return true
    }
  }

  /// Hands a mail over.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is away; nothing was sent then.
  func attempt(_ mailing: Mailing, over connection: SMTPConnection) async throws -> Attempt {
    if let notice = mailing.notice { return try await attempt(notice, over: connection) }
    guard let first = mailing.invitations.first else {
      return Attempt(verdict: .unsendable(reason: "nobody is left"), policy: InvitationPolicy())
    }
    return try await TraceContext.continuing(first.traceparent).run {
      let workspace: WorkspaceCache.Entry?
      do {
        workspace = try await patience.run("reading a workspace") { try await workspaces.entry(first.settings) }
      } catch let error as CancellationError {
        throw error
      } catch {
        return Attempt(verdict: .failed(answer: "the workspace cannot be read: \(error)"), policy: InvitationPolicy())
      }
      let verdict = await attempt(mailing, first, in: workspace, over: connection)
      return Attempt(verdict: verdict, policy: workspace?.settings.invitations ?? InvitationPolicy())
    }
  }

  /// Writes down what came of a mail.
  ///
  /// Between the server's 250 and this commit lies the one window in which a crash makes a mail go out twice. The Message-ID is the same
  /// both times, so that mail programs show one.
  ///
  /// - Parameter pause: By how much the mail is put off where the server is away.
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is away; an error that waiting does not mend.
  func record(_ attempt: Attempt, of mailing: Mailing, pause: Duration) async throws {
    if let notice = mailing.notice { return try await record(attempt.verdict, of: notice, pause: pause) }
    try await recorder.record(
      mailing.invitations.map { invitation in
        MailOutcome(
          workspace: invitation.workspace, id: invitation.id,
          record: MailRecord(
            attempt.verdict, letter: invitation.letter, attempts: invitation.attempts, firstTriedAt: invitation.firstTriedAt,
            isDigest: invitation.isDigest, policy: attempt.policy, now: .now, pause: pause))
      })
    for invitation in mailing.invitations {
      TraceContext.continuing(invitation.traceparent).run { report(attempt.verdict, on: invitation) }
    }
  }

  private func attempt(
    _ mailing: Mailing, _ first: DueInvitation, in workspace: WorkspaceCache.Entry?, over connection: SMTPConnection
  ) async -> RetrySchedule.Verdict {
    guard let workspace else { return .unsendable(reason: "the workspace is not known any more") }
    let letter: EmailMessage
    do {
      letter = try compose(mailing, in: workspace)
    } catch {
      return .unsendable(reason: "\(error)")
    }
    return await send(letter, over: connection, attempts: first.attempts, firstTriedAt: first.firstTriedAt)
  }

  func send(
    _ letter: EmailMessage, over connection: SMTPConnection, attempts: Int, firstTriedAt: Date?
  ) async -> RetrySchedule.Verdict {
    let began = ContinuousClock.now
    let outcome = await connection.send(letter)
    duration.record(duration: ContinuousClock.now - began)
    if case .unreachable(let reason) = outcome { status.isAway(reason) } else { status.isThere() }
    return schedule.verdict(
      on: outcome, attempts: attempts, firstTriedAt: firstTriedAt, now: .now, jitter: .random(in: 0...1))
  }

  private func compose(_ mailing: Mailing, in workspace: WorkspaceCache.Entry) throws -> EmailMessage {
    switch mailing {
    case .invitation(let invitation):
      let recipient = invitation.recipient
      guard !recipient.email.isEmpty else { throw UnsendableMail(reason: InvitationDecider.noAddress) }
      return try composer.letter(
        for: InvitationNotice(
          id: invitation.id, letter: invitation.letter, email: recipient.email, givenName: recipient.givenName,
          displayName: recipient.displayName, language: recipient.language, workspace: workspace.notice), at: .now)
    case .digest(let invitations, let id):
      guard case .digest(let address) = workspace.settings.invitations.sending else {
        throw UnsendableMail(reason: "the workspace has no administrator set to be told any more")
      }
      let people = invitations.filter { !$0.recipient.email.isEmpty }.map {
        DigestNotice.Person(email: $0.recipient.email, displayName: $0.recipient.displayName)
      }
      return try composer.letter(for: DigestNotice(id: id, address: address, workspace: workspace.notice, people: people), at: .now)
    case .notice: throw UnsendableMail(reason: "it is no invitation")
    }
  }

  private func report(_ verdict: RetrySchedule.Verdict, on invitation: DueInvitation) {
    var metadata: Logger.Metadata = [
      "invitation": "\(invitation.id)", "workspace": "\(invitation.workspace)", "user": "\(invitation.user)",
      "letter": "\(invitation.letter)", "attempt": "\(invitation.attempts + 1)",
    ]
    switch verdict {
    case .sent(let answer):
      sent.increment()
      metadata["answer"] = "\(answer)"
      logger.info("invitation sent", metadata: metadata)
    case .bounced(let answer):
      bounced.increment()
      metadata["answer"] = "\(answer)"
      logger.log(level: verdict.logLevel, "the mail server takes no mail for this person", metadata: metadata)
    case .failed(let answer), .unsendable(reason: let answer):
      failed.increment()
      metadata["answer"] = "\(answer)"
      logger.log(level: verdict.logLevel, "invitation failed; it is not tried again", metadata: metadata)
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

/// There is nothing that could be sent.
struct UnsendableMail: Error, CustomStringConvertible {
  var reason: String
  var description: String { reason }
}
