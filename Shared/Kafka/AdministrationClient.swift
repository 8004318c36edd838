import CKafka
import Logging

/// A client for questions and topics; asks on a thread of its own.
struct AdministrationClient: Sendable {
  let handle: ClientHandle

  init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    handle = try ClientHandle(
      RD_KAFKA_PRODUCER, configuration, properties: [:],
      callbacks: ClientCallbacks(logger: logger, failed: { _, reason in logger.debug("administration: \(reason)") }))
  }
}
