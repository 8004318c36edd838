import Foundation
import Logging
import MailTemplates
import Models
import ServiceKit

// Mails to administrators about held changes and single events.
extension MailSender {
  /// Composes a notice and sends it.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL is unavailable; nothing was sent then.
  func attempt(_ notice: DueNotice, over connection: SMTPConnection) async throws -> Attempt {
    let message: EmailMessage
    do {
      let workspace = try await retryPolicy.run("reading a workspace") { () -> WorkspaceCache.Entry? in
        guard let settings = notice.settings else { return nil }
        return try await workspaces.entry(settings)
      }
      switch notice.subject {
      case .heldChanges:
        let content = try await retryPolicy.run("reading held changes") { try await notices.content(of: notice) }
        message = try compose(notice, content, in: workspace)
      case .alert(let alert): message = try compose(notice, alert, in: workspace)
      case .unreadableAlert(let kind): throw UnsendableMail(reason: "this release cannot read the alert '\(kind)'")
      }
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
    guard let address = workspace.settings.administratorAddress ?? operatorAddress else {
      throw UnsendableMail(reason: "the workspace no longer has an address for notices about held changes")
    }
    // A deactivation may wait because it is that of the last admin, and not because of the number.
    let rule = workspace.settings.changeGuard
    let maximumDeactivations = rule?.holdsLastAdmin == true ? nil : rule?.maximumDeactivations
    return try composer.message(
      for: HeldChangesNotice(
        id: notice.id.uuid, address: address, workspace: workspace.notice, changes: content,
        maximumDeactivations: maximumDeactivations), at: .now)
  }

  private func compose(_ notice: DueNotice, _ alert: AdministratorAlert, in workspace: WorkspaceCache.Entry?) throws -> EmailMessage {
    guard let address = workspace?.settings.administratorAddress ?? operatorAddress else {
      throw UnsendableMail(
        reason: """
          there is no address for notices: the workspace has neither a change guard nor a digest of new people, and \
          \(Setting.operatorAddress.environmentName) is not set
          """)
    }
    return try composer.message(
      for: AlertNotice(
        id: notice.id.uuid, address: address, workspace: workspace?.notice, name: workspace?.settings.name ?? "\(notice.workspace)",
        alert: alert), at: .now)
  }

  private func report(_ record: MailRecord, _ level: Logger.Level, of notice: DueNotice) {
    let metadata: Logger.Metadata = [
      "notice": "\(notice.id)", "about": "\(notice.subject.name)", "workspace": "\(notice.workspace)", "attempt": "\(record.attempts)",
      "answer": "\(record.answer ?? "")",
    ]
    switch record.state {
    case .sent:
      noticesSent.increment()
      logger.info("administrator notified", metadata: metadata)
    case .bounced, .failed:
      noticesFailed.increment()
      logger.log(level: level, "administrator not notified; the mail is not retried", metadata: metadata)
    default: logger.warning("mail to an administrator rejected temporarily; it is retried", metadata: metadata)
    }
  }
}

extension WorkspaceSettings {
  /// The address for notices to administrators: that of the change guard, or else that of the digests of new people.
  var administratorAddress: String? {
    if let changeGuard { return changeGuard.notify }
    if case .digest(let address) = invitations.sending { return address }
    return nil
  }
}

extension DueNotice.Subject {
  /// The subject in the log.
  fileprivate var name: String {
    switch self {
    case .heldChanges: "held changes"
    case .alert(let alert): alert.kind.rawValue
    case .unreadableAlert(let kind): kind
    }
  }
}
