import CKafka
import Logging
import Synchronization

/// A client for questions and topics; asks on a thread of its own.
struct AdministrationClient: Sendable {
  let handle: ClientHandle
  private let causes: Causes

  /// What the client was last told of a connection that failed.
  private final class Causes: Sendable {
    let last = Mutex<String?>(nil)
  }

  init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    let causes = Causes()
    self.causes = causes
    handle = try ClientHandle(
      RD_KAFKA_PRODUCER, configuration, properties: [:],
      callbacks: ClientCallbacks(
        logger: logger,
        failed: { code, reason in
          // The caller's error says that no broker answers.
          guard code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN else { return }
          ClientErrors.log(code, reason, of: "administration client", logger)
          causes.last.withLock { $0 = ClientErrors.explanation(code, reason) }
        }))
  }

  /// Why the last connection that failed did: `rd_kafka_metadata` and its like only know that there is no answer. nil where none has failed
  /// since ``forgetFailures()``.
  func causeOfFailure() -> String? {
    serveErrors()
    return causes.last.withLock { $0 }
  }

  func forgetFailures() {
    serveErrors()
    causes.last.withLock { $0 = nil }
  }

  /// Has the error callback called.
  private func serveErrors() {
    while rd_kafka_poll(handle.pointer, 0) > 0 {}
  }
}
