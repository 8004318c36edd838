import Foundation
import Logging
import MailTemplates
import Models

// Mails to administrators about held changes.
extension MailSender {
  /// Composes a notice and sends it.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is unavailable; nothing was sent then.
  func attempt(_ notice: DueNotice, over connection: SMTPConnection) async throws -> Attempt {
    let message: EmailMessage
    do {
      let (workspace, content) = try await retryPolicy.run("reading held changes") {
        (try await workspaces.entry(notice.settings), try await notices.content(of: notice))
      }
      message = try compose(notice, content, in: workspace)
    } catch let error as CancellationError {
      throw error
    } catch let error as UnsendableMail {
      return Attempt(result: .unsendable(reason: "\(error)"))
    } catch let error as CompositionError {
      return Attempt(result: .unsendable(reason: "\(error)"))
    } catch {
      return Attempt(result: .failed(answer: "\(error)"))
    }
    return Attempt(result: await send(message, over: connection, attempts: notice.attempts, firstTriedAt: notice.firstTriedAt))
  }

  /// Records the result of an attempt, and returns when the mail is tried again; nil if it is not.
  func record(_ result: DeliveryResult, of notice: DueNotice, pause: Duration) async throws -> Date? {
    let record = MailRecord(
      result, reminder: 0, attempts: notice.attempts, firstTriedAt: notice.firstTriedAt, isDigest: true, policy: InvitationPolicy(),
      now: .now, pause: pause)
    try await retryPolicy.run("recording a notice") { try await notices.record(record, of: notice, at: .now) }
    report(record, result.logLevel, of: notice)
    return record.nextAttemptAt
  }

  private func compose(_ notice: DueNotice, _ content: HeldChanges, in workspace: WorkspaceCache.Entry?) throws -> EmailMessage {
    guard let workspace else { throw UnsendableMail(reason: Self.unknownWorkspace) }
    guard let rule = workspace.settings.changeGuard else {
      throw UnsendableMail(reason: "the workspace no longer has an address for notices about held changes")
    }
    return try composer.message(
      for: HeldChangesNotice(
        id: notice.id.uuid, address: rule.notify, workspace: workspace.notice, changes: content,
        maximumDeactivations: rule.maximumDeactivations), at: .now)
  }

  private func report(_ record: MailRecord, _ level: Logger.Level, of notice: DueNotice) {
    let metadata: Logger.Metadata = [
      "notice": "\(notice.id)", "workspace": "\(notice.workspace)", "attempt": "\(record.attempts)", "answer": "\(record.answer ?? "")",
    ]
    switch record.state {
    case .sent:
      noticesSent.increment()
      logger.info("administrator notified about held changes", metadata: metadata)
    case .bounced, .failed:
      noticesFailed.increment()
      logger.log(level: level, "administrator not notified about held changes; the mail is not retried", metadata: metadata)
    default: logger.warning("mail about held changes rejected temporarily; it is retried", metadata: metadata)
    }
  }
}
