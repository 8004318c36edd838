import Foundation
import Kafka
import Logging
import Models
import Outbox
import Postgres
import ServiceLifecycle
import TestSupport

extension KafkaBroker {
  /// Creates a topic with a unique name.
  func topic(_ name: String, partitions: Int = 1, maximumMessageBytes: Int = 16 << 20) async throws -> Topic {
    let topic = Topic(name: "\(name)-\(UUID().uuidString.prefix(8))", retention: 3600, maximumMessageBytes: maximumMessageBytes)
    try await TopicAdministration.ensure(
      [topic], partitions: partitions, replication: 1, configuration: configuration(), logger: quiet)
    return topic
  }
}

extension KafkaBroker {
  /// Creates a topic with one partition that contains the messages "0", "1", ….
  func filled(_ name: String, count: Int) async throws -> Topic {
    let topic = try await topic(name)
    let producer = try Producer(configuration(), logger: quiet)
    try await producer.send(contentsOf: (0..<count).map { message(topic, "\($0)") })
    await producer.close()
    return topic
  }

  /// A member of the topic's consumer group.
  func consumer(of topic: Topic, instance: String = "0", maximumBatch: Int = 512, properties: [String: String] = [:]) throws -> Consumer {
    try Consumer(
      configuration(properties: properties),
      ConsumerConfiguration(group: "group of \(topic.name)", instance: instance, topics: [topic], maximumBatch: maximumBatch), logger: quiet
    )
  }

  /// Reads the topic until it has returned at least `count` messages.
  func read(_ topic: Topic, count: Int) async throws -> [Message] { try await configuration().read(topic, count: count) }

  /// Reads the topic up to the message with the text `last`.
  func read(_ topic: Topic, until last: String) async throws -> [Message] { try await configuration().read(topic, until: last) }
}

extension KafkaConfiguration {
  /// Reads the topic from its start, with a new consumer group, until it has returned at least `count` messages.
  func read(_ topic: Topic, count: Int) async throws -> [Message] {
    try await read(topic) { $0.count >= count }
  }

  func read(_ topic: Topic, until last: String) async throws -> [Message] {
    try await read(topic) { $0.last?.text == last }
  }

  private func read(_ topic: Topic, until isComplete: ([Message]) -> Bool) async throws -> [Message] {
    let consumer = try Consumer(
      self, ConsumerConfiguration(group: "reader \(UUID().uuidString)", instance: "reader", topics: [topic]), logger: quiet)
    return try await running(consumer) {
      var messages: [Message] = []
      for try await batch in consumer.batches {
        messages += batch.messages
        try await consumer.commit(batch)
        if isComplete(messages) { break }
      }
      return messages
    }
  }
}

extension Consumer {
  /// Reads and commits at least `count` messages, and returns their texts.
  func take(_ count: Int) async throws -> [String] {
    var texts: [String] = []
    for try await batch in batches {
      texts += batch.messages.map(\.text)
      try await commit(batch)
      if texts.count >= count { break }
    }
    return texts
  }
}

/// A logger that discards everything, unless `KAFKA_TESTS_LOG` has a level to log at.
let quiet: Logger = {
  guard let level = ProcessInfo.processInfo.environment["KAFKA_TESTS_LOG"] else {
    return Logger(label: "kafka", factory: { _ in SwiftLogNoOpLogHandler() })
  }
  var logger = Logger(label: "kafka", factory: { StreamLogHandler.standardError(label: $0) })
  logger.logLevel = Logger.Level(rawValue: level) ?? .info
  return logger
}()

/// Runs services while `body` runs, then shuts them down gracefully.
func running<Result: Sendable>(_ services: any Service..., body: () async throws -> Result) async throws -> Result {
  let group = ServiceGroup(services: services, logger: quiet)
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let result: Result
    do {
      result = try await body()
    } catch {
      tasks.cancelAll()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return result
  }
}

func message(_ topic: Topic, key: String? = "key", _ text: String, partition: Int32? = nil) -> OutgoingMessage {
  OutgoingMessage(topic: topic.name, partition: partition, key: key.map { Array($0.utf8) }, value: Array(text.utf8))
}

extension Message {
  var text: String { String(decoding: value, as: UTF8.self) }
}

extension DeadLetterTable {
  /// The columns of a dead-letter table.
  static let columns = """
    id bigint generated always as identity primary key, kind text not null, topic text not null, origin_partition bigint,
    origin_offset bigint, key bytea, headers text[] not null, payload bytea not null, size bigint not null, error text not null,
    attempts bigint not null, at timestamptz not null default now()
    """

  /// A pool for a new database with a dead-letter table.
  static func pool() async throws -> PostgresPool {
    let server = try await PostgresServer.shared()
    let pool = PostgresPool(
      PostgresConfiguration(
        url: server.url(database: try await server.createDatabase()), connections: 1, applicationName: "test", maximumWait: .seconds(60)),
      logger: quiet)
    _ = try await pool.query(Statement("create dead letters", "create table dead_letters (\(columns))"))
    return pool
  }
}
