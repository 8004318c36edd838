import Foundation
import Models
import TestSupport
import Testing

@testable import Kafka

@Suite("Gaps in the messages of a consumer")
struct OffsetGapTests {
  private static let partition = TopicPartition(topic: "t", partition: 3)

  struct Case: Sendable {
    var committed: Int64?
    var recorded: Int64?
    var low: Int64
    var high: Int64
    var start: Int64
    var cause: OffsetGap.Cause?
    var expected: Int64 = 0
  }

  @Test(
    "are detected from the committed and recorded offsets and the bounds of the partition",
    arguments: [
      Case(committed: 5, low: 0, high: 9, start: 5, cause: nil),
      Case(committed: 5, low: 5, high: 5, start: 5, cause: nil),
      Case(committed: 0, recorded: 40, low: 0, high: 0, start: 0, cause: nil),
      // Messages were deleted by retention or an operator.
      Case(committed: 5, low: 7, high: 9, start: 7, cause: .deleted, expected: 5),
      // The topic has fewer messages than the group has read.
      Case(committed: 5, low: 0, high: 2, start: 0, cause: .recreated, expected: 5),
      // Kafka deletes a group's offsets together with the topic.
      Case(committed: nil, recorded: 40, low: 0, high: 2, start: 0, cause: .recreated, expected: 40),
      // The group starts for the first time, on a new topic and on an old one.
      Case(committed: nil, low: 0, high: 9, start: 0, cause: nil),
      Case(committed: nil, recorded: 0, low: 0, high: 9, start: 0, cause: nil),
      Case(committed: nil, low: 7, high: 9, start: 7, cause: .neverRead),
    ])
  func starts(_ example: Case) {
    let start = StartOffset(
      of: Self.partition, committed: example.committed, recorded: example.recorded, low: example.low, high: example.high, reset: .earliest)
    #expect(start.offset == example.start)
    #expect(start.gap?.cause == example.cause)
    if example.cause != nil {
      #expect(start.gap?.expected == example.expected)
      #expect(start.gap?.resumed == example.start)
    }
  }

  @Test("from deletions while it was stopped are reported once, and it continues with the remaining messages")
  func deletedMeanwhile() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("deleted-meanwhile", count: 30)
    let first = try broker.consumer(of: topic, maximumBatch: 10)
    try await running(first) { _ = try await first.take(10) }
    try await broker.deleteMessages(of: topic, before: 20)
    let second = try broker.consumer(of: topic)
    try await running(second) {
      var gaps = second.gaps.makeAsyncIterator()
      let gap = try #require(await gaps.next())
      let committed = gap.expected
      #expect(gap == OffsetGap(partition: .init(topic: topic.name, partition: 0), cause: .deleted, expected: committed, resumed: 20))
      #expect((10...20).contains(committed))
      try await second.acknowledge(gap)
    }
    // No message was read in between, and the gap is not reported again.
    let third = try broker.consumer(of: topic)
    try await running(third) {
      let texts = try await third.take(10)
      #expect(texts == (20..<30).map(String.init))
    }
    #expect(await third.gaps.first { _ in true } == nil)
  }

  @Test("from deletions while it was reading are reported, and no other partition is read twice")
  func deletedUnderneath() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.topic("deleted-underneath", partitions: 2)
    let producer = try Producer(broker.configuration(), logger: quiet)
    let consumer = try broker.consumer(of: topic, maximumBatch: 5)
    try await running(producer, consumer) {
      try await producer.send(contentsOf: (0..<10).map { message(topic, "\($0)", partition: Int32($0 % 2)) })
      var seen: [String] = []
      var batches = consumer.batches.makeAsyncIterator()
      while seen.count < 10, let batch = try await batches.next() {
        seen += batch.messages.map(\.text)
        try await consumer.commit(batch)
      }
      // No task iterates the batches now, so the partitions are paused.
      try await producer.send(contentsOf: (0..<4000).map { message(topic, "x\($0)", partition: 0) })
      try await broker.deleteMessages(of: topic, before: 4005)
      try await producer.send(contentsOf: [message(topic, "last-0", partition: 0), message(topic, "last-1", partition: 1)])
      var last: Set<String> = []
      while last.count < 2, let batch = try await batches.next() {
        seen += batch.messages.map(\.text)
        last.formUnion(batch.messages.map(\.text).filter { $0.hasPrefix("last") })
        try await consumer.commit(batch)
      }
      #expect(Set(seen).count == seen.count)
      #expect(seen.filter { !$0.hasPrefix("x") && !$0.hasPrefix("last") }.sorted() == (0..<10).map(String.init))
      // Messages that were fetched before the deletion were read. The others are a gap.
      let read = seen.filter { $0.hasPrefix("x") }.count
      if read < 4000 {
        var gaps = consumer.gaps.makeAsyncIterator()
        let gap = try #require(await gaps.next())
        #expect(gap.cause == .deleted)
        #expect(gap.partition.partition == 0)
        #expect(gap.expected == Int64(5 + read))
        #expect(gap.resumed == 4005)
      }
    }
  }

  @Test("from a recreated topic are reported, and later messages are read")
  func recreated() async throws {
    let broker = try await KafkaBroker.shared()
    let topic = try await broker.filled("recreated", count: 20)
    let consumer = try broker.consumer(of: topic)
    try await running(consumer) {
      var batches = consumer.batches.makeAsyncIterator()
      var count = 0
      while count < 20, let batch = try await batches.next() {
        count += batch.messages.count
        try await consumer.commit(batch)
      }
      try await broker.delete(topic)
      try await TopicAdministration.ensure([topic], partitions: 1, replication: 1, configuration: broker.configuration(), logger: quiet)
      let producer = try Producer(broker.configuration(), logger: quiet)
      try await producer.send(message(topic, "new"))
      await producer.close()
      let batch = try #require(await batches.next())
      #expect(batch.messages.map(\.text) == ["new"])
      try await consumer.commit(batch)
      var gaps = consumer.gaps.makeAsyncIterator()
      let gap = try #require(await gaps.next())
      #expect(gap.cause == .recreated)
      #expect(gap.expected == 20)
    }
  }
}
