import Foundation
import Logging
import Metrics
import ServiceLifecycle

/// Measures from time to time how many invitations wait to be sent, and tidies up.
struct PendingInvitations: Service {
  let store: InvitationStore
  let logger: Logger

  private let pending = Gauge(label: "rollcall_mailer_invitations_pending")

  init(store: InvitationStore, logger: Logger) {
    self.store = store
    self.logger = logger
  }

  private static let interval = Duration.seconds(10)
  /// In intervals.
  private static let tidying = 360

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var round = 0
      while !Task.isCancelled {
        do {
          try await store.planLate(at: .now)
          pending.record(try await store.pending())
          if round % Self.tidying == 0 {
            try await store.tidy(at: .now)
            try await NoticeStore(pool: store.pool).tidy(at: .now)
          }
          round += 1
        } catch is CancellationError {
          return
        } catch {
          logger.warning("pending invitations not counted", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
