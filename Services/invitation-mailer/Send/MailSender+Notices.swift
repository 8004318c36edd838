import Foundation
import Logging
import MailTemplates
import Models

// Mails to administrators about changes that wait for approval.
extension MailSender {
  /// Hands a mail over.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is away; nothing was sent then.
  func attempt(_ notice: DueNotice, over connection: SMTPConnection) async throws -> Attempt {
    let letter: EmailMessage
    do {
      let store = NoticeStore(pool: store.pool)
      let (workspace, content) = try await patience.run("reading held changes") {
        (try await workspaces.entry(notice.settings), try await store.content(of: notice))
      }
      letter = try compose(notice, content, in: workspace)
    } catch let error as CancellationError {
      throw error
    } catch let error as UnsendableMail {
      return Attempt(verdict: .unsendable(reason: "\(error)"), policy: InvitationPolicy())
    } catch let error as CompositionError {
      return Attempt(verdict: .unsendable(reason: "\(error)"), policy: InvitationPolicy())
    } catch {
      return Attempt(verdict: .failed(answer: "\(error)"), policy: InvitationPolicy())
    }
    let verdict = await send(letter, over: connection, attempts: notice.attempts, firstTriedAt: notice.firstTriedAt)
    return Attempt(verdict: verdict, policy: InvitationPolicy())
  }

  /// Writes down what came of a mail; see ``record(_:of:pause:)-(Attempt,_,_)``.
  func record(_ verdict: RetrySchedule.Verdict, of notice: DueNotice, pause: Duration) async throws {
    let record = MailRecord(
      verdict, letter: 0, attempts: notice.attempts, firstTriedAt: notice.firstTriedAt, isDigest: true, policy: InvitationPolicy(),
      now: .now, pause: pause)
    let store = NoticeStore(pool: store.pool)
    try await patience.run("recording a notice") { try await store.record(record, of: notice, at: .now) }
    report(record, verdict.logLevel, of: notice)
  }

  private func compose(_ notice: DueNotice, _ content: HeldChanges, in workspace: WorkspaceCache.Entry?) throws -> EmailMessage {
    guard let workspace else { throw UnsendableMail(reason: "the workspace is not known any more") }
    guard let rule = workspace.settings.changeGuard else {
      throw UnsendableMail(reason: "the workspace has nobody set to be told of held changes any more")
    }
    return try composer.letter(
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
      toldAdministrators.increment()
      logger.info("an administrator was told of held changes", metadata: metadata)
    case .bounced, .failed:
      untoldAdministrators.increment()
      logger.log(level: level, "no administrator was told of held changes; it is not tried again", metadata: metadata)
    default: logger.warning("the mail about held changes is not taken yet; it is tried again", metadata: metadata)
    }
  }
}
