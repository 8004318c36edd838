import Foundation
import Kafka
import Models
import TestSupport
import Testing

@Suite("Topics that disappear")
struct MissingTopicTests {
  @Test("A message to a deleted topic fails at once as not persisted; when the topic exists again, messages arrive")
  func produce() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("vanishing")
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      try await producer.send(message(topic, "before"))
      try await broker.delete(topic)
      let error = await #expect(throws: KafkaError.self) { try await producer.send(message(topic, "lost")) }
      #expect(error?.isAboutMissingTopic == true)
      #expect(error?.isNotPersisted == true)
      #expect(error?.isRetriable == true)
      try await TopicAdministration.ensure([topic], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
      try await eventually("messages to arrive again") {
        try await producer.send(message(topic, "after"))
        return true
      }
    }
    #expect(try await broker.read(topic, until: "after").allSatisfy { $0.text == "after" })
  }

  @Test("Missing topics are reported, and created again with their settings")
  func monitor() async throws {
    let broker = try await KafkaBroker.shared()
    let configuration = broker.configuration()
    let stays = try await broker.topic("stays")
    let goes = try await broker.topic("goes", maximumMessageBytes: 3 << 20)
    let monitor = try TopicMonitor(
      [stays, goes], partitions: 2, replication: 1, configuration: configuration, interval: .milliseconds(50), logger: quiet)
    let inspection = try ClusterInspection(configuration, logger: quiet)
    try await broker.delete(goes)
    #expect(try await inspection.topics([goes]).isEmpty)
    try await running(monitor) {
      try await eventually("the topic to be created again") { try await inspection.topics([goes])[goes.name]?.partitions == 2 }
      try await eventually("nothing to be missing") { monitor.problem == nil }
    }
    #expect(try await inspection.topics([goes])[goes.name]?.settings["max.message.bytes"] == "\(3 << 20)")
    #expect(try await inspection.topics([stays])[stays.name]?.partitions == 1)
  }

  @Test("Topics that cannot be created are reported with the reason")
  func refused() async throws {
    // The mock cluster does not implement the request that creates topics.
    let cluster = try MockCluster()
    cluster.create(topic: "there", partitions: 1)
    let monitor = try TopicMonitor(
      [Topic(name: "there", retention: 1), Topic(name: "gone", retention: 1)], partitions: 1, replication: 1,
      configuration: cluster.configuration(), interval: .milliseconds(20), logger: quiet)
    try await running(monitor) {
      // The client waits ten seconds for a controller.
      try await eventually("the refusal", within: .seconds(300)) { monitor.problem?.contains("cannot be created") == true }
      #expect(monitor.problem?.hasPrefix("missing: gone;") == true)
    }
  }
}
