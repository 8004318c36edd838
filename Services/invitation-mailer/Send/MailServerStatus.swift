import Synchronization

/// Whether the mail server takes mails, as of the last attempt.
final class MailServerStatus: Sendable {
  private let reason = Mutex<String?>(nil)

  /// What is wrong with the server, in its own words where it had any; nil where nothing is known to be.
  var problem: String? { reason.withLock { $0 } }

  func isThere() { reason.withLock { $0 = nil } }

  func isAway(_ reason: String) { self.reason.withLock { $0 = reason } }
}
