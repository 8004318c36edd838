import Logging
import ServiceLifecycle

/// Measures what is waiting, creates the partitions of the delivery log, and drops old ones.
struct WebhookMaintenance: Service {
  let dispatcher: WebhookDispatcher
  /// How many days the delivery log keeps a request.
  let retention: Int
  let logger: Logger

  private static let interval = Duration.seconds(60)
  /// The number of intervals between two maintenances of the log.
  private static let rounds = 60

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var round = 0
      while !Task.isCancelled {
        dispatcher.measure()
        do {
          if round % Self.rounds == 0 { try await dispatcher.store.maintain(keep: retention) }
          round += 1
        } catch is CancellationError {
          return
        } catch {
          logger.warning("maintenance of the webhook delivery log failed; it is tried again", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
