import Foundation
import Logging
import Metrics
import ServiceLifecycle

/// Periodic maintenance: measures the backlog, and deletes old records.
struct MailerMaintenance: Service {
  let store: InvitationStore
  let status: MailServerStatus
  let logger: Logger

  private let pending = Gauge(label: "rollcall_mailer_invitations_pending")
  private let oldest = Gauge(label: "rollcall_mailer_invitations_oldest_seconds")

  init(store: InvitationStore, status: MailServerStatus, logger: Logger) {
    self.store = store
    self.status = status
    self.logger = logger
  }

  private static let interval = Duration.seconds(60)
  /// The number of intervals between two deletions of old records.
  private static let deletionRounds = 60

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var round = 0
      while !Task.isCancelled {
        do {
          let mails = try await store.pending(at: .now)
          pending.record(mails.count)
          // Each attempt during an outage postpones another mail, so the outage may be longer than any mail has been due.
          let waitingSince = [mails.dueSince, status.unavailableSince].compactMap { $0 }.min()
          oldest.record(waitingSince.map { max(0, -$0.timeIntervalSinceNow) } ?? 0)
          if round % Self.deletionRounds == 0 {
            try await store.deleteOldRecords(at: .now)
            try await NoticeStore(pool: store.pool).deleteOldRecords(at: .now)
          }
          round += 1
        } catch is CancellationError {
          return
        } catch {
          logger.warning("maintenance failed", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
