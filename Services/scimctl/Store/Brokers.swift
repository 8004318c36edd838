import Kafka
import Logging
import Models
import ServiceKit

/// The Kafka cluster, as one command uses it.
struct Brokers: Sendable {
  let configuration: KafkaConfiguration
  let logger: Logger

  /// Checks first that a broker answers, so that nothing waits for minutes, and makes the topics that are missing.
  ///
  /// - Throws: ``Failure`` where none answers; `KafkaError`; `SettingsError`.
  static func reached(_ settings: ServiceSettings, topics: [Topic]) async throws -> Brokers {
    let configuration = try settings.kafkaConfiguration
    // The clients' own complaints say less than the one line that the command ends with.
    let logger = Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
    if let problem = try await Reachability(configuration, logger: logger).check(timeout: .seconds(10)) {
      throw Failure(.unavailable, "Kafka does not answer: \(problem). Is it running, and is ROLLCALL_KAFKA its address?")
    }
    try await TopicAdministration.ensure(
      topics, partitions: try settings.integer(.topicPartitions), replication: try settings.integer(.topicReplication),
      configuration: configuration, logger: logger)
    return Brokers(configuration: configuration, logger: logger)
  }

  /// Sends one message and returns when a broker has it.
  func send(_ message: OutgoingMessage) async throws {
    try await withProducer { try await $0.send(message) }
  }

  /// Runs `body` with a producer, and closes it.
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
