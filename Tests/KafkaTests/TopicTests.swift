import Foundation
import Kafka
import Models
import Outbox
import Postgres
import TestSupport
import Testing

@Suite("Topics, dead letters and reachability")
struct TopicTests {
  @Test("Missing topics are created, by any number of processes at once, and existing ones are not changed")
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
    // The topics can be used immediately, with all their partitions.
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      for topic in topics { try await producer.send(message(topic, "last partition", partition: 2)) }
    }
    try await TopicAdministration.ensure(topics, partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
  }

  @Test("Without a broker the creation of topics fails with a retriable error")
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

  @Test("A reachable cluster has no problem, and the error about an unreachable one names it")
  func reachability() async throws {
    let broker = try await KafkaBroker.shared()
    #expect(try await Reachability(broker.configuration(), logger: quiet).check(timeout: .seconds(30)) == nil)
    let unreachable = KafkaConfiguration(bootstrapServers: "127.0.0.1:\(try FreePort.find())", clientID: "test")
    let problem = try #require(try await Reachability(unreachable, logger: quiet).check(timeout: .milliseconds(300)))
    #expect(problem.contains(unreachable.bootstrapServers))
  }

  @Test("A dead letter is the unchanged message, with headers that describe the failure")
  func deadLetter() async throws {
    let broker = try await KafkaBroker.shared()
    let consumer = "test-\(UUID().uuidString.prefix(8))"
    let producer = try Producer(broker.configuration(), logger: quiet)
    let pool = try await DeadLetterTable.pool()
    let deadLetters = DeadLetters(
      consumer: consumer, producer: producer, table: DeadLetterTable("dead_letters", pool: pool), logger: quiet)
    #expect(deadLetters.topic.name == "\(consumer).dead-letters")
    try await TopicAdministration.ensure(
      [deadLetters.topic], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
    let message = Message(
      topic: "origin", partition: 3, offset: 17, timestamp: nil, key: Array("key".utf8), headers: [("a", "1"), ("b", "2"), ("a", "3")],
      value: [0, 255])
    try await running(producer) {
      try await deadLetters.send(message, error: "cannot be read", attempts: 2)
      let first = try #require(try await broker.read(deadLetters.topic, count: 1).first)
      try await deadLetters.send(first, error: "still cannot", attempts: 5)
    }
    let received = try await broker.read(deadLetters.topic, count: 2)
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
    #expect(again.header(DeadLetters.Header.originTopic) == deadLetters.topic.name)
    await pool.close()
  }

  @Test("A dead letter that is too large for Kafka is stored with its first bytes, size, headers, error and origin")
  func largeDeadLetter() async throws {
    let broker = try await KafkaBroker.shared()
    let pool = try await DeadLetterTable.pool()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let deadLetters = DeadLetters(
      consumer: "large", producer: producer, table: DeadLetterTable("dead_letters", pool: pool), logger: quiet)
    let message = Message(
      topic: "origin", partition: 3, offset: 17, timestamp: nil, key: [0, 1], headers: [("ce_id", "1"), ("odd", "a\0b")],
      value: Array(repeating: 7, count: 17 << 20))
    try await running(producer) { try await deadLetters.send(message, error: "no\0good", attempts: 2) }
    let rows = try await pool.query(
      Statement(
        once: "dead letters",
        """
        select kind, topic, origin_partition, origin_offset, key, headers, length(payload)::int8, size, error, attempts from dead_letters
        """))
    let row = try #require(rows.first)
    #expect(rows.count == 1)
    #expect(try row.string(0) == "message" && row.string(1) == "origin" && row.int(2) == 3 && row.int(3) == 17)
    #expect(try row.bytes(4) == [0, 1] && row.textArray(5) == ["ce_id", "1", "odd", "a\u{FFFD}b"])
    #expect(try row.int(6) == DeadLetterTable.head && row.int(7) == 17 << 20 && row.int(9) == 2)
    #expect(try row.string(8).hasPrefix("no\u{FFFD}good") && row.string(8).contains("MSG_SIZE_TOO_LARGE"))
    await pool.close()
  }

  @Test("A topic is read to its end, and a message by its offset")
  func reader() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("read", partitions: 3)
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await producer.send(contentsOf: (0..<50).map { message(topic, key: "\($0)", "\($0)") })
    await producer.close()
    let reader = TopicReader(broker.configuration(), logger: quiet)
    let read = try await reader.messages(on: topic.name) { $0 }
    #expect(Set(read.map(\.text)) == Set((0..<50).map(String.init)) && read.count == 50)
    let last = try #require(read.last)
    let again = try await reader.message(at: last.offset, of: TopicPartition(topic: topic.name, partition: last.partition))
    #expect(again?.text == last.text)
    #expect(try await reader.message(at: 1000, of: TopicPartition(topic: topic.name, partition: 0)) == nil)
    #expect(try await reader.message(at: 0, of: TopicPartition(topic: "nowhere", partition: 0)) == nil)
    #expect(try await reader.messages(on: "nowhere") { $0 }.isEmpty)
  }
}
