import Foundation
import Kafka
import Models
import Synchronization
import TestSupport
import Testing

@Suite("Broadcasts")
struct BroadcastReaderTests {
  /// What a reader has reported.
  private final class Received: Sendable {
    private let texts = Mutex<[String]>([])
    private let readiness = Atomic<Int>(0)

    var messages: [String] { texts.withLock { $0 } }
    var timesReady: Int { readiness.load(ordering: .relaxed) }

    func add(_ text: String) { texts.withLock { $0.append(text) } }
    func becomeReady() { readiness.add(1, ordering: .relaxed) }
  }

  private func reader(of topic: Topic, _ broker: KafkaBroker, _ received: Received) throws -> BroadcastReader {
    try BroadcastReader(
      broker.configuration(), topic: topic, partition: 1, logger: quiet, onReady: { received.becomeReady() },
      onMessage: { received.add($0.text) })
  }

  @Test("Every reader gets every message that arrives after it is ready, in order, and none from before or of other partitions")
  func everyReader() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("broadcasts", partitions: 2)
    let producer = try Producer(broker.configuration(), logger: quiet)
    let readers = [Received(), Received()]
    let services = try readers.map { try reader(of: topic, broker, $0) }
    try await producer.send(message(topic, "before", partition: 1))
    try await running(producer, services[0], services[1]) {
      for reader in readers { try await eventually("the reader to be ready") { reader.timesReady == 1 } }
      try await producer.send(message(topic, "elsewhere", partition: 0))
      let texts = (0..<100).map { "\($0)" }
      try await producer.send(contentsOf: texts.map { message(topic, $0, partition: 1) })
      for reader in readers { try await eventually("all messages") { reader.messages == texts } }
    }
  }

  @Test("A reader continues after its topic was deleted and created again")
  func lostTopic() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("lost-broadcasts", partitions: 2)
    let received = Received()
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer, try reader(of: topic, broker, received)) {
      try await eventually("the reader to be ready") { received.timesReady == 1 }
      try await broker.delete(topic)
      try await eventually("a message") {
        try await TopicAdministration.ensure([topic], partitions: 2, replication: 1, configuration: broker.configuration(), logger: quiet)
        do {
          try await producer.send(message(topic, "back", partition: 1))
        } catch let error as KafkaError where error.isAboutMissingTopic {
          // The producer learns later that the topic exists again.
          return false
        }
        return received.messages.contains("back")
      }
    }
  }
}
