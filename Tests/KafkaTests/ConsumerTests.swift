import CKafka
import Kafka
import Models
import TestSupport
import Testing

@Suite("Consumer")
struct ConsumerTests {
  @Test("Batches contain at most the configured number of messages, in order")
  func batches() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("batches", count: 100)
    let consumer = try broker.consumer(of: topic, maximumBatch: 7)
    try await running(consumer) {
      var seen: [String] = []
      for try await batch in consumer.batches {
        #expect((1...7).contains(batch.messages.count))
        seen += batch.messages.map(\.text)
        try await consumer.commit(batch)
        if seen.count == 100 { break }
      }
      #expect(seen == (0..<100).map(String.init))
    }
  }

  @Test("After a restart, the consumer continues at the committed offset and reads uncommitted messages again")
  func resumption() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("resumption", count: 30)
    let first = try broker.consumer(of: topic, maximumBatch: 10)
    let committed = try await running(first) {
      var batches = first.batches.makeAsyncIterator()
      let batch = try #require(await batches.next())
      try await first.commit(batch)
      let uncommitted = try #require(await batches.next())
      #expect(uncommitted.messages.first?.offset == Int64(batch.messages.count))
      return Int64(batch.messages.count)
    }
    let second = try broker.consumer(of: topic, maximumBatch: 10)
    try await running(second) {
      var batches = second.batches.makeAsyncIterator()
      let batch = try #require(await batches.next())
      #expect(batch.messages.first?.offset == committed)
    }
  }

  @Test("Uncommitted messages count as lag, and are reported as a standstill")
  func standstill() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("standstill", count: 20)
    let consumer = try broker.consumer(of: topic, maximumBatch: 5)
    try await running(consumer) {
      var batches = consumer.batches.makeAsyncIterator()
      let first = try #require(await batches.next())
      try await eventually("the lag to be measured") { consumer.lag == 20 }
      try await eventually("the consumer to stand still") { consumer.standstill(longerThan: .milliseconds(100)) != nil }
      #expect(consumer.standstill(longerThan: .milliseconds(100))?.contains("20 messages") == true)
      #expect(consumer.standstill(longerThan: .seconds(600)) == nil)
      // With progress inside the batch, only the longer limit for commits applies.
      consumer.noteProgress()
      #expect(consumer.standstill(longerThan: .seconds(60)) == nil)
      #expect(consumer.standstill(longerThan: .seconds(60), commitLimit: .milliseconds(100))?.contains("has not moved") == true)
      try await eventually("the consumer to stand still again") { consumer.standstill(longerThan: .milliseconds(100)) != nil }
      try await consumer.commit(first)
      var read = first.messages.count
      while read < 20, let batch = try await batches.next() {
        read += batch.messages.count
        try await consumer.commit(batch)
      }
      try await eventually("nothing to be left") { consumer.lag == 0 && consumer.standstill(longerThan: .zero) == nil }
    }
  }

  @Test("An inspection returns the positions of a group without joining it")
  func inspection() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("inspection", count: 12)
    let consumer = try broker.consumer(of: topic, maximumBatch: 5)
    let inspection = try ClusterInspection(broker.configuration(), logger: .init(label: "inspection"))
    let found = try await inspection.topics([topic, Topic(name: "missing", retention: 1)])
    #expect(found.count == 1)
    let partitions = try #require(found[topic.name]?.partitions)
    func lag() async throws -> Int64 {
      try await inspection.positions(of: consumer.group, on: [topic.name: partitions]).values.reduce(0) { $0 + $1.lag }
    }
    #expect(try await lag() == 12)
    try await running(consumer) {
      var batches = consumer.batches.makeAsyncIterator()
      let batch = try #require(await batches.next())
      try await consumer.commit(batch)
      #expect(try await lag() == Int64(12 - batch.messages.count))
    }
  }

  @Test("The offsets of a group can be set while it has no members")
  func offsets() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("offsets", count: 12)
    let consumer = try broker.consumer(of: topic)
    let partition = TopicPartition(topic: topic.name, partition: 0)
    let inspection = try ClusterInspection(broker.configuration(), logger: .init(label: "inspection"))
    try await inspection.commit([partition: 7], of: consumer.group)
    let position = try await inspection.positions(of: consumer.group, on: [topic.name: 1])[partition]
    #expect(position?.committed == 7)
    try await running(consumer) {
      var batches = consumer.batches.makeAsyncIterator()
      let batch = try #require(await batches.next())
      #expect(batch.messages.first?.offset == 7)
      let failure = await #expect(throws: KafkaError.self) { try await inspection.commit([partition: 3], of: consumer.group) }
      #expect(failure?.isAboutMembers == true)
    }
  }

  @Test("The batches end when the consumer shuts down")
  func shutdown() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("shutdown", count: 1)
    let consumer = try broker.consumer(of: topic)
    let seen = Task {
      var seen = 0
      for try await batch in consumer.batches { seen += batch.messages.count }
      return seen
    }
    try await running(consumer) {
      try await eventually("the message to be read") { !consumer.assignment.isEmpty }
    }
    #expect(try await seen.value <= 1)
  }

  @Test("A slow batch delays the following ones, and no message is lost or read twice")
  func backPressure() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("back-pressure", count: 2000)
    let consumer = try broker.consumer(of: topic, maximumBatch: 100, properties: ["queued.max.messages.kbytes": "1"])
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(consumer, producer) {
      var seen: [String] = []
      var batches = consumer.batches.makeAsyncIterator()
      let slow = try #require(await batches.next())
      seen += slow.messages.map(\.text)
      // More messages arrive while the batch is processed.
      try await producer.send(contentsOf: (2000..<2500).map { message(topic, "\($0)") })
      try await consumer.commit(slow)
      while seen.count < 2500 {
        let batch = try #require(await batches.next())
        seen += batch.messages.map(\.text)
        try await consumer.commit(batch)
      }
      #expect(seen == (0..<2500).map(String.init))
    }
  }

  @Test("After a restart of the broker, the consumer continues at the same offset")
  func outage() async throws {
    let broker = try await KafkaBroker.start()
    let topic = try await broker.filled("outage", count: 10)
    let consumer = try broker.consumer(of: topic)
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer, consumer) {
      var seen: [String] = []
      var batches = consumer.batches.makeAsyncIterator()
      while seen.count < 10 {
        let batch = try #require(await batches.next())
        seen += batch.messages.map(\.text)
        try await consumer.commit(batch)
      }
      try await broker.stop()
      try await broker.start()
      try await producer.send(contentsOf: (10..<20).map { message(topic, "\($0)") })
      while seen.count < 20 {
        let batch = try #require(await batches.next())
        seen += batch.messages.map(\.text)
        try await consumer.commit(batch)
      }
      #expect(seen == (0..<20).map(String.init))
    }
  }

  @Test("Two members share the partitions, and each message is read by one of them")
  func group() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("group", partitions: 4)
    let (first, second) = (try broker.consumer(of: topic, instance: "0"), try broker.consumer(of: topic, instance: "1"))
    let producer = try Producer(broker.configuration(), logger: quiet)
    try await running(producer, first, second) {
      try await eventually("both members to have partitions") { first.assignment.count == 2 && second.assignment.count == 2 }
      #expect(first.assignment.isDisjoint(with: second.assignment))
      let texts = (0..<200).map(String.init)
      try await producer.send(contentsOf: texts.enumerated().map { message(topic, $1, partition: Int32($0 % 4)) })
      async let one = first.take(100)
      async let other = second.take(100)
      #expect(try await Set(one + other) == Set(texts))
    }
  }

  @Test("A commit is retried after a temporary error")
  func commitRetry() async throws {
    let cluster = try MockCluster()
    cluster.create(topic: "commit-retry", partitions: 1)
    let topic = Topic(name: "commit-retry", retention: 3600)
    let configuration = cluster.configuration()
    let consumer = try Consumer(
      configuration, ConsumerConfiguration(group: "g", instance: "i", topics: [topic], maximumBatch: 1), logger: quiet)
    let producer = try Producer(configuration, logger: quiet)
    try await running(producer, consumer) {
      try await producer.send(contentsOf: [message(topic, "0"), message(topic, "1")])
      var batches = consumer.batches.makeAsyncIterator()
      let batch = try #require(await batches.next())
      cluster.fail(.offsetCommit, with: [RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT])
      try await consumer.commit(batch)
      let next = try #require(await batches.next())
      #expect(next.messages.map(\.text) == ["1"])
    }
  }

  @Test("A member that was fenced joins again, and reads again what it had not committed")
  func rejoin() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("rejoin", count: 10)
    let first = try broker.consumer(of: topic, maximumBatch: 5)
    try await running(first) {
      var batches = first.batches.makeAsyncIterator()
      let committed = try #require(await batches.next())
      try await first.commit(committed)
      let uncommitted = try #require(await batches.next())
      let revision = first.assignmentRevision
      // Ends as soon as it has replaced the first, as a consumer does whose heartbeat was sent before it joined.
      let second = try broker.consumer(of: topic)
      try await running(second) { try await eventually("the second member to have partitions") { !second.assignment.isEmpty } }
      try await eventually("the first member to have joined again") {
        first.assignmentRevision > revision + 1 && !first.assignment.isEmpty
      }
      // Its partition was revoked, so this commits nothing.
      try await first.commit(uncommitted)
      let repeated = try #require(await batches.next())
      #expect(repeated.messages.first?.text == uncommitted.messages.first?.text)
      try await first.commit(repeated)
    }
  }

  @Test("A member ends when another process has its instance id, and its error says why")
  func fenced() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("fenced", count: 5)
    let first = try broker.consumer(of: topic)
    let ended = Task { try await first.run() }
    try await eventually("the first member to have partitions") { !first.assignment.isEmpty }
    let second = try broker.consumer(of: topic)
    try await running(second) {
      let error = await #expect(throws: KafkaError.self) { try await ended.value }
      #expect(error?.code == .fencedInstanceID)
      #expect(error?.description.contains("replica number of its own") == true)
      let texts = try await second.take(5)
      #expect(texts.count == 5)
    }
  }

  @Test("The error about an unknown librdkafka property names it")
  func unknownProperty() async throws {
    let broker = try await KafkaBroker.shared()
    let error = #expect(throws: KafkaError.self) {
      try Producer(broker.configuration(properties: ["no.such.property": "1"]), logger: quiet)
    }
    #expect(error?.code == .configuration)
    #expect(error?.description.contains("no.such.property") == true)
  }
}
