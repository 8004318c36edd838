import CKafka
import Foundation
import Kafka
import Models
import TestSupport
import Testing

@Suite("Producer")
struct ProducerTests {
  @Test("A message arrives with its key, headers and value")
  func roundTrip() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("round-trip")
    let event = CloudEvent(
      id: "1", source: "test/0", type: "test.v1", subject: "s", time: Date(timeIntervalSince1970: 1_700_000_000),
      extensions: ["name": "Zoë"], traceparent: "00-ab-cd-01", data: Array(#"{"a":1}"#.utf8))
    let producer = try Producer(broker.configuration(), logger: quiet)
    let consumer = try Consumer(broker.configuration(), .init(group: "g-\(topic.name)", instance: "i", topics: [topic]), logger: quiet)
    try await running(producer, consumer) {
      try await producer.send(OutgoingMessage(event, topic: topic, key: "k"))
      var batches = consumer.batches.makeAsyncIterator()
      let batch = try #require(await batches.next())
      let message = try #require(batch.messages.first)
      #expect(batch.messages.count == 1)
      #expect(message.key == Array("k".utf8))
      #expect(try message.cloudEvent() == event)
      #expect(message.offset == 0)
      #expect(message.timestamp != nil)
    }
  }

  @Test("The messages of one call arrive in order, each once")
  func order() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("order", partitions: 3)
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      try await producer.send(contentsOf: (0..<3000).map { message(topic, key: "\($0 % 30)", "\($0)") })
    }
    let received = try await broker.read(topic, count: 3000)
    #expect(Set(received.map(\.text)).count == 3000)
    for (_, messages) in Dictionary(grouping: received, by: { $0.partition }) {
      #expect(messages.map { Int($0.text) ?? -1 } == messages.map { Int($0.text) ?? -1 }.sorted())
    }
  }

  @Test("The same key goes to the same partition, and a message may name its partition")
  func partitions() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("partitions", partitions: 4)
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      for key in ["a", "b", "c", "a", "b", "c"] { try await producer.send(message(topic, key: key, "by \(key)")) }
      try await producer.send(message(topic, "explicit", partition: 3))
    }
    let received = try await broker.read(topic, count: 7)
    for key in ["a", "b", "c"] {
      #expect(Set(received.filter { $0.text == "by \(key)" }.map(\.partition)).count == 1)
    }
    #expect(received.first { $0.text == "explicit" }?.partition == 3)
  }

  @Test("The error about a message that is too large names its index, and the others arrive")
  func tooLarge() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("too-large")
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      let large = OutgoingMessage(topic: topic.name, key: nil, value: Array(repeating: 0, count: 17 << 20))
      let error = await #expect(throws: KafkaError.self) {
        try await producer.send(contentsOf: [message(topic, "first"), large, message(topic, "last")])
      }
      #expect(error?.code == .messageTooLarge)
      #expect(error?.failedIndices == [1])
      #expect(error?.isRetriable == false)
      #expect(error?.description.contains(topic.name) == true)
    }
    #expect(try await broker.read(topic, count: 2).map(\.text) == ["first", "last"])
  }

  @Test("Messages that are sent while the broker is unavailable arrive later, in order")
  func outage() async throws {
    let broker = try await KafkaBroker.start()
    let topic = try await broker.topic("outage")
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer) {
      try await producer.send(message(topic, "0"))
      try await broker.stop()
      async let sent: Void = producer.send(contentsOf: (1..<100).map { message(topic, "\($0)") })
      try await eventually("the messages to be accepted") { producer.inFlight == 99 }
      try await broker.start()
      try await sent
    }
    #expect(try await broker.read(topic, count: 100).map(\.text) == (0..<100).map(String.init))
  }

  @Test("Sending waits while the limit of messages in flight is reached")
  func bound() async throws {
    let broker = try await KafkaBroker.start()
    let topic = try await broker.topic("bound")
    let producer = try Producer(broker.configuration(), maximumInFlight: 3, logger: quiet)
    try await running(producer) {
      try await producer.send(message(topic, "first"))
      try await broker.stop()
      async let sent: Void = producer.send(contentsOf: (0..<10).map { message(topic, "\($0)") })
      try await eventually("three messages to be in flight") { producer.inFlight == 3 }
      try await broker.start()
      try await sent
      #expect(producer.inFlight == 0)
    }
  }

  @Test("A message that no broker acknowledges in time fails, and may be sent again")
  func deliveryTimeout() async throws {
    let cluster = try MockCluster()
    cluster.create(topic: "timeout", partitions: 1)
    cluster.shutDown()
    let producer = try Producer(cluster.configuration(), deliveryTimeout: .milliseconds(200), logger: quiet)
    let error = await #expect(throws: KafkaError.self) {
      try await producer.send(message(Topic(name: "timeout", retention: 3600), "late"))
    }
    #expect(error?.code == .messageTimedOut)
    #expect(error?.isRetriable == true)
    await producer.close()
  }

  @Test("A closed producer accepts no messages")
  func closed() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("closed")
    let producer = try Producer(broker.configuration(), logger: quiet)
    await producer.close()
    let error = await #expect(throws: KafkaError.self) { try await producer.send(message(topic, "late")) }
    #expect(error?.code == .closed)
  }

  /// Limits the producer to one request in flight. A real broker rejects messages after a gap in the sequence; the mock cluster accepts them,
  /// so no other request may be in flight when one fails.
  private let oneRequestAtATime = ["max.in.flight.requests.per.connection": "1"]

  @Test(
    "Temporary errors of the broker are not visible to the sender",
    arguments: [
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
    ].map(\.rawValue))
  func passingErrors(code: Int32) async throws {
    let cluster = try MockCluster()
    cluster.create(topic: "passing", partitions: 1)
    let topic = Topic(name: "passing", retention: 3600)
    let producer = try Producer(cluster.configuration(properties: oneRequestAtATime), logger: quiet)
    try await running(producer) {
      cluster.fail(.produce, with: [rd_kafka_resp_err_t(code), rd_kafka_resp_err_t(code)])
      try await producer.send(contentsOf: (0..<20).map { message(topic, "\($0)") })
    }
    #expect(try cluster.texts(on: topic.name) == (0..<20).map(String.init))
  }

  @Test("After a fatal error a new client delivers unacknowledged messages, in order")
  func replacement() async throws {
    let cluster = try MockCluster()
    cluster.create(topic: "replaced", partitions: 1)
    let topic = Topic(name: "replaced", retention: 3600)
    // All messages are in one request, even on a slow machine: after a failed request, the mock would accept further ones, unlike a broker.
    let together = oneRequestAtATime.merging(["linger.ms": "500"]) { $1 }
    let producer = try Producer(cluster.configuration(properties: together), logger: quiet)
    try await running(producer) {
      try await producer.send(message(topic, "before"))
      cluster.fail(.produce, with: [RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER])
      try await producer.send(contentsOf: (0..<20).map { message(topic, "\($0)") })
      try await producer.send(message(topic, "after"))
    }
    let received = try cluster.texts(on: topic.name)
    #expect(received.first == "before")
    #expect(received.last == "after")
    #expect(received.dropFirst().dropLast().map { Int($0) ?? -1 }.deduplicated == Array(0..<20))
  }
}

extension [Int] {
  /// The numbers without repetitions, in order.
  fileprivate var deduplicated: [Int] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
