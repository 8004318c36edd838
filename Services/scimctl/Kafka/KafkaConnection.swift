import Kafka
import Logging
import Models
import ServiceKit

/// A connection to the Kafka cluster for one command.
struct KafkaConnection: Sendable {
  let configuration: KafkaConfiguration
  let logger: Logger

  /// Checks that a broker answers, so that no command waits for minutes, and creates missing topics.
  ///
  /// - Throws: ``ScimctlError`` if no broker answers; `KafkaError`; `SettingsError`.
  static func open(_ settings: ServiceSettings, topics: [Topic]) async throws -> KafkaConnection {
    let configuration = try settings.kafkaConfiguration
    // librdkafka's log lines say less than the error that scimctl prints.
    let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
    if let problem = try await Reachability(configuration, logger: logger).check(timeout: .seconds(10)) {
      throw ScimctlError(.unavailable, "Kafka does not answer: \(problem). Is it running, and is ROLLCALL_KAFKA its address?")
    }
    try await TopicAdministration.ensure(
      topics, partitions: try settings.integer(.topicPartitions), replication: try settings.integer(.topicReplication),
      configuration: configuration, logger: logger)
    return KafkaConnection(configuration: configuration, logger: logger)
  }

  /// Sends one message and returns when a broker has acknowledged it.
  func send(_ message: OutgoingMessage) async throws {
    try await withProducer { try await $0.send(message) }
  }

  /// Runs `body` with a producer, and closes the producer afterwards.
  func withProducer<Value: Sendable>(_ body: (Producer) async throws -> Value) async throws -> Value {
    let producer = try Producer(configuration, deliveryTimeout: .seconds(20), logger: logger)
    do {
      let value = try await body(producer)
      await producer.close()
      return value
    } catch {
      await producer.close(timeout: .zero)
      throw error
    }
  }
}
