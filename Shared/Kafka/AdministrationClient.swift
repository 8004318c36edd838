import CKafka
import Logging
import Synchronization

/// A client for requests about the cluster and its topics. Its requests block.
struct AdministrationClient: Sendable {
  let handle: ClientHandle
  private let lastFailure: LastFailure

  /// The reason of the last failed connection.
  private final class LastFailure: Sendable {
    let reason = Mutex<String?>(nil)
  }

  init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    let lastFailure = LastFailure()
    self.lastFailure = lastFailure
    handle = try ClientHandle(
      RD_KAFKA_PRODUCER, configuration, properties: [:],
      callbacks: ClientCallbacks(
        logger: logger,
        failed: { code, reason in
          // The error of the request says that no broker answers.
          guard code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN else { return }
          ClientErrors.log(code, reason, of: "administration client", logger)
          lastFailure.reason.withLock { $0 = ClientErrors.explanation(code, reason) }
        }))
  }

  /// The reason of the last failed connection: the errors of requests only say that no broker answers. nil if none has failed since
  /// ``resetFailure()``.
  func causeOfFailure() -> String? {
    serveErrors()
    return lastFailure.reason.withLock { $0 }
  }

  /// Forgets the last failed connection.
  func resetFailure() {
    serveErrors()
    lastFailure.reason.withLock { $0 = nil }
  }

  /// Runs pending error callbacks.
  private func serveErrors() {
    while rd_kafka_poll(handle.pointer, 0) > 0 {}
  }
}
