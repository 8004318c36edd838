import Foundation
import Logging
import MailTemplates
import Metrics
import Models
import Outbox
import ServiceKit
import Synchronization
import Tracing

/// Composes and sends mails, one per call, and records their results.
struct MailSender: Sendable {
  let store: InvitationStore
  let notices: NoticeStore
  let composer: InvitationComposer
  let schedule: RetrySchedule
  let status: MailServerStatus
  /// The address for notices about workspaces that have none, and about the deployment.
  let operatorAddress: String?
  let logger: Logger
  let workspaces: WorkspaceCache
  let retryPolicy: RetryPolicy

  private let sent = Counter(label: "rollcall_mailer_invitations_sent_total")
  private let failed = Counter(label: "rollcall_mailer_invitations_failed_total")
  private let bounced = Counter(label: "rollcall_mailer_invitations_bounced_total")
  private let retried = Counter(label: "rollcall_mailer_invitations_retried_total")
  let noticesSent = Counter(label: "rollcall_mailer_notices_sent_total")
  let noticesFailed = Counter(label: "rollcall_mailer_notices_failed_total")
  private let duration = Timer(label: "rollcall_mailer_send_seconds")
  private let pushToInvitation = Timer(label: "rollcall_push_to_invitation_seconds")

  init(
    store: InvitationStore, composer: InvitationComposer, schedule: RetrySchedule, status: MailServerStatus,
    operatorAddress: String? = nil, logger: Logger
  ) {
    self.store = store
    notices = NoticeStore(pool: store.pool)
    self.composer = composer
    self.schedule = schedule
    self.status = status
    self.operatorAddress = operatorAddress
    self.logger = logger
    workspaces = WorkspaceCache(store: store)
    retryPolicy = RetryPolicy(logger: logger)
  }

  /// An attempt to send a mail.
  struct Attempt: Sendable {
    var result: DeliveryResult
    /// The workspace's policy, which decides about reminders.
    var policy = InvitationPolicy()
  }

  /// An attempt and its mail.
  struct Result: Sendable {
    var attempt: Attempt
    var mail: ScheduledMail
  }

  /// When the scheduler has to look for mails that recorded results make due; nil if none follows.
  struct NextMails: Sendable {
    var invitation: Date?
    var notice: Date?
  }

  /// Composes a mail and sends it.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is unavailable; nothing was sent then.
  func attempt(_ mail: ScheduledMail, over connection: SMTPConnection) async throws -> Attempt {
    if let notice = mail.notice { return try await attempt(notice, over: connection) }
    guard let first = mail.invitations.first else { return Attempt(result: .unsendable(reason: "no invitation is left")) }
    guard let span = mail.startSendSpan() else {
      return try await TraceContext.continuing(first.traceparent).run { try await attempt(mail, first, over: connection) }
    }
    do {
      let result = try await ServiceContext.withValue(span.context) { try await attempt(mail, first, over: connection) }
      span.end(result.result)
      return result
    } catch {
      span.end(with: error)
      throw error
    }
  }

  private func attempt(_ mail: ScheduledMail, _ first: DueInvitation, over connection: SMTPConnection) async throws -> Attempt {
    let workspace: WorkspaceCache.Entry?
    do {
      workspace = try await retryPolicy.run("reading a workspace") { try await workspaces.entry(first.settings) }
    } catch let error as CancellationError {
      throw error
    } catch {
      return Attempt(result: .failed(answer: "the workspace cannot be read: \(error)"))
    }
    guard let workspace else { return Attempt(result: .unsendable(reason: Self.unknownWorkspace)) }
    if workspace.settings.deletion != nil { return Attempt(result: .unsendable(reason: Self.workspaceInDeletion)) }
    let message: EmailMessage
    do {
      message = try compose(mail, in: workspace)
    } catch {
      return Attempt(result: .unsendable(reason: "\(error)"), policy: workspace.settings.invitations)
    }
    let result = await send(message, over: connection, attempts: first.attempts, firstTriedAt: first.firstTriedAt)
    return Attempt(result: result, policy: workspace.settings.invitations)
  }

  /// Records the results of attempts, those of invitations in one transaction.
  ///
  /// If the process ends between the server's `250` reply and this commit, the mail is sent twice. Both copies have the same Message-ID, so
  /// mail programs show one.
  ///
  /// - Parameter pause: How long mails are postponed if the server is unavailable.
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is unavailable; an error that is not worth retrying.
  func record(_ results: [Result], pause: Duration) async throws -> NextMails {
    var next = NextMails()
    let outcomes = results.flatMap { result in
      result.mail.invitations.map { invitation in
        MailOutcome(
          invitation,
          MailRecord(
            result.attempt.result, reminder: invitation.reminder, attempts: invitation.attempts, firstTriedAt: invitation.firstTriedAt,
            isDigest: invitation.isDigest, policy: result.attempt.policy, now: .now, pause: pause))
      }
    }
    if !outcomes.isEmpty {
      try await retryPolicy.run("recording sent invitations") { _ = try await store.record(outcomes, at: .now) }
      next.invitation = outcomes.compactMap(\.record.nextAttemptAt).min()
    }
    for result in results {
      if let notice = result.mail.notice {
        let time = try await record(result.attempt.result, of: notice, pause: pause)
        next.notice = [next.notice, time].compactMap { $0 }.min()
      }
      for invitation in result.mail.invitations {
        measure(result.attempt, of: invitation)
        TraceContext.continuing(invitation.traceparent).run { report(result.attempt.result, of: invitation) }
      }
    }
    return next
  }

  /// Sends a composed message and measures how long it takes.
  func send(_ message: EmailMessage, over connection: SMTPConnection, attempts: Int, firstTriedAt: Date?) async -> DeliveryResult {
    let start = ContinuousClock.now
    let outcome = await connection.send(message)
    duration.record(duration: ContinuousClock.now - start)
    if case .unreachable(let reason) = outcome { status.reportUnavailable(reason) } else { status.reportAvailable() }
    return schedule.result(
      of: outcome, attempts: attempts, firstTriedAt: firstTriedAt, now: .now, jitter: .random(in: 0...1))
  }

  /// Measures the time from the push of a person to the acceptance of the invitation, unless the workspace's policy delays it.
  private func measure(_ attempt: Attempt, of invitation: DueInvitation) {
    guard case .sent = attempt.result, case .immediately = attempt.policy.sending, invitation.reminder == 0,
      let pushedAt = invitation.pushedAt
    else { return }
    pushToInvitation.recordSeconds(max(0, -pushedAt.timeIntervalSinceNow))
  }

  private func compose(_ mail: ScheduledMail, in workspace: WorkspaceCache.Entry) throws -> EmailMessage {
    switch mail {
    case .invitation(let invitation):
      let recipient = invitation.recipient
      guard !recipient.email.isEmpty else { throw UnsendableMail(reason: InvitationDecider.noAddress) }
      return try composer.message(
        for: InvitationNotice(
          id: invitation.id, reminder: invitation.reminder, email: recipient.email, givenName: recipient.givenName,
          displayName: recipient.displayName, language: recipient.language, workspace: workspace.notice), at: .now)
    case .digest(let invitations, let id):
      guard case .digest(let address) = workspace.settings.invitations.sending else {
        throw UnsendableMail(reason: "the workspace no longer has an administrator's address")
      }
      let people = invitations.filter { !$0.recipient.email.isEmpty }.map {
        DigestNotice.Person(email: $0.recipient.email, displayName: $0.recipient.displayName)
      }
      return try composer.message(for: DigestNotice(id: id, address: address, workspace: workspace.notice, people: people), at: .now)
    case .notice: throw UnsendableMail(reason: "it is not an invitation")
    }
  }

  private func report(_ result: DeliveryResult, of invitation: DueInvitation) {
    var metadata: Logger.Metadata = [
      "invitation": "\(invitation.id)", "workspace": "\(invitation.workspace)", "user": "\(invitation.user)",
      "reminder": "\(invitation.reminder)", "attempt": "\(invitation.attempts + 1)",
    ]
    switch result {
    case .sent(let answer):
      sent.increment()
      metadata["answer"] = "\(answer)"
      logger.info("invitation sent", metadata: metadata)
    case .bounced(let answer):
      bounced.increment()
      metadata["answer"] = "\(answer)"
      logger.log(level: result.logLevel, "the mail server rejected the recipient", metadata: metadata)
    case .failed(let answer), .unsendable(reason: let answer):
      failed.increment()
      metadata["answer"] = "\(answer)"
      logger.log(level: result.logLevel, "invitation failed; it is not retried", metadata: metadata)
    case .retry(let time, let answer):
      retried.increment()
      metadata["answer"] = "\(answer)"
      metadata["again_at"] = "\(time.formatted(.iso8601))"
      logger.warning("invitation rejected temporarily; it is retried", metadata: metadata)
    case .postponed(let answer):
      metadata["answer"] = "\(answer)"
      metadata["attempt"] = nil
      logger.warning("the mail server is unavailable; invitations are waiting", metadata: metadata)
    }
  }

  static let unknownWorkspace = "the workspace no longer exists"
  static let workspaceInDeletion = "the workspace is suspended until its deletion"
}

/// The error for a mail that cannot be composed from the workspace's data.
struct UnsendableMail: Error, CustomStringConvertible {
  var reason: String
  var description: String { reason }
}

/// Whether the mail server is available, as of the last attempt.
final class MailServerStatus: Sendable {
  private struct Outage: Sendable {
    var since: Date
    var lastFailure: ContinuousClock.Instant
    var reason: String
  }

  /// How long an outage is known after its last attempt. There is none any more if no mail waits, or if another replica sends.
  private let memory: Duration

  private let outage = Mutex<Outage?>(nil)

  /// - Parameter memory: Longer than the time between two attempts.
  init(memory: Duration = .seconds(300)) {
    self.memory = memory
  }

  private var present: Outage? { outage.withLock { present($0) } }

  private func present(_ outage: Outage?) -> Outage? { outage.flatMap { .now - $0.lastFailure < memory ? $0 : nil } }

  /// Why the server is unavailable, with its reply if it sent one; nil if no problem is known.
  var problem: String? { present?.reason }

  /// When the first attempt of the outage failed; nil if no problem is known.
  var unavailableSince: Date? { present?.since }

  /// Records that the server answered.
  func reportAvailable() { outage.withLock { $0 = nil } }

  /// Records that the server is unavailable.
  func reportUnavailable(_ reason: String, at now: Date = .now) {
    outage.withLock { $0 = Outage(since: present($0)?.since ?? now, lastFailure: .now, reason: reason) }
  }
}
