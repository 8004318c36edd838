import Foundation
import Kafka
import Models
import TestSupport
import Testing

@Suite("Topics, dead letters and reachability")
struct TopicTests {
  @Test("Topics that are missing are made, by however many processes at once, and left alone then")
  func creation() async throws {
    let broker = try await KafkaBroker.shared()
    let topics = (0..<3).map { Topic(name: "made-\($0)-\(UUID().uuidString.prefix(8))", retention: 3600) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          try await TopicAdministration.ensure(
            topics, partitions: 3, replication: 1, configuration: broker.configuration(), logger: quiet)
        }
      }
      try await group.waitForAll()
    }
    // They can be used at once, each with its partitions.
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      for topic in topics { try await producer.send(message(topic, "last partition", partition: 2)) }
    }
    try await TopicAdministration.ensure(topics, partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
  }

  @Test("Without a broker making topics fails, and may be tried again")
  func absence() async throws {
    let configuration = KafkaConfiguration(bootstrapServers: "127.0.0.1:\(try FreePort.find())", clientID: "test")
    let error = await #expect(throws: KafkaError.self) {
      try await TopicAdministration.ensure(
        [Topic(name: "nowhere", retention: 1)], partitions: 1, replication: 1, configuration: configuration, timeout: .milliseconds(300),
        logger: quiet)
    }
    #expect(error?.isRetriable == true)
    #expect(error?.description.contains(configuration.bootstrapServers) == true)
  }

  @Test("A cluster that answers is well, and one that does not is named")
  func reachability() async throws {
    let broker = try await KafkaBroker.shared()
    #expect(try await Reachability(broker.configuration(), logger: quiet).check(timeout: .seconds(30)) == nil)
    let away = KafkaConfiguration(bootstrapServers: "127.0.0.1:\(try FreePort.find())", clientID: "test")
    let problem = try #require(try await Reachability(away, logger: quiet).check(timeout: .milliseconds(300)))
    #expect(problem.contains(away.bootstrapServers))
  }

  @Test("A dead letter is the message unchanged, with headers that say what happened to it")
  func deadLetter() async throws {
    let broker = try await KafkaBroker.shared()
    let consumer = "test-\(UUID().uuidString.prefix(8))"
    let producer = try Producer(broker.configuration(), logger: quiet)
    let letters = DeadLetters(consumer: consumer, producer: producer)
    #expect(letters.topic.name == "\(consumer).dead-letters")
    try await TopicAdministration.ensure(
      [letters.topic], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
    let message = Message(
      topic: "origin", partition: 3, offset: 17, timestamp: nil, key: Array("key".utf8), headers: [("a", "1"), ("b", "2"), ("a", "3")],
      value: [0, 255])
    try await running(producer) {
      try await letters.send(message, error: "cannot be read", attempts: 2)
      let first = try #require(try await broker.read(letters.topic, count: 1).first)
      try await letters.send(first, error: "still cannot", attempts: 5)
    }
    let received = try await broker.read(letters.topic, count: 2)
    let (first, again) = (try #require(received.first), try #require(received.last))
    #expect(first.key == message.key && first.value == message.value)
    #expect(first.headers.prefix(3).map { "\($0.name)=\($0.value)" } == ["a=1", "b=2", "a=3"])
    #expect(first.header(DeadLetters.Header.error) == "cannot be read")
    #expect(first.header(DeadLetters.Header.attempts) == "2")
    #expect(first.header(DeadLetters.Header.originTopic) == "origin")
    #expect(first.header(DeadLetters.Header.originPartition) == "3")
    #expect(first.header(DeadLetters.Header.originOffset) == "17")
    #expect(first.header(DeadLetters.Header.time).flatMap(Timestamp.date) != nil)
    #expect(again.headers.filter { $0.name == DeadLetters.Header.error }.map(\.value) == ["still cannot"])
    #expect(again.header(DeadLetters.Header.originTopic) == letters.topic.name)
  }
}
