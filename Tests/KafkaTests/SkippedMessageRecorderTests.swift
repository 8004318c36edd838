import Foundation
import Kafka
import Migrations
import Models
import Outbox
import Postgres
import TestSupport
import Testing

/// Each test starts its own broker, because the topics have their production names.
@Suite("The recorder of missed messages", .serialized, .timeLimit(.minutes(10)))
struct SkippedMessageRecorderTests {
  private struct Setup: Sendable {
    let broker: KafkaBroker
    let pool: PostgresPool
    let producer: Producer
    let history: ConsumerHistory

    static func create() async throws -> Setup {
      let server = try await PostgresServer.shared()
      let pool = PostgresPool(
        PostgresConfiguration(
          url: server.url(database: try await server.createDatabase(migrations: SchemaMigrations.all), role: "group_sync"), connections: 2,
          applicationName: "test", maximumWait: .seconds(60)),
        logger: quiet)
      let broker = try await KafkaBroker.start()
      try await TopicAdministration.ensure(
        [.identityEvents, .identityCommands], partitions: 2, replication: 1, configuration: broker.configuration(), logger: quiet)
      return Setup(
        broker: broker, pool: pool, producer: try Producer(broker.configuration(), logger: quiet),
        history: ConsumerHistory(pool: pool, schema: "directory", consumer: "group-sync"))
    }

    func consumer() async throws -> Consumer {
      try Consumer(
        broker.configuration(),
        ConsumerConfiguration(
          group: "group-sync", instance: "0", topics: [.identityEvents], recordedOffsets: try await history.offsets()), logger: quiet)
    }

    func recorder(_ consumer: Consumer) -> SkippedMessageRecorder {
      SkippedMessageRecorder(
        consumer, history: history, rebuild: .init(invitations: .none, source: "group-sync/0", producer: producer),
        gathering: .milliseconds(500), interval: .milliseconds(50), logger: quiet)
    }

    func send(_ count: Int) async throws {
      try await producer.send(contentsOf: (0..<count).map { message(.identityEvents, "\($0)", partition: Int32($0 % 2)) })
    }

    func number(_ sql: String) async throws -> Int {
      try await pool.query(Statement(once: "number", sql)).first?.int(0) ?? -1
    }

    /// The requested rebuilds, from the first `count` commands.
    func requested(_ count: Int) async throws -> [Rebuild] {
      try await broker.read(.identityCommands, count: count).compactMap { message in
        if case .rebuild(let rebuild) = try Command(try message.cloudEvent()).operation { rebuild } else { nil }
      }
    }

    func close() async {
      await producer.close()
      await pool.close()
    }
  }

  @Test("A first start is not a loss; a loss on several partitions is recorded, and one rebuild is requested")
  func once() async throws {
    let setup = try await Setup.create()
    try await setup.send(20)
    let first = try await setup.consumer()
    try await running(first, setup.recorder(first)) {
      #expect(try await first.take(20).count == 20)
      try await eventually("the offsets to be recorded") { try await setup.history.offsets().values.reduce(0, +) == 20 }
    }
    #expect(try await setup.number("select count(*) from directory.skipped_messages") == 0)

    try await setup.send(20)
    for partition in 0..<2 { try await setup.broker.deleteMessages(of: .identityEvents, partition: Int32(partition), before: 15) }
    for _ in 0..<2 {
      let consumer = try await setup.consumer()
      try await running(consumer, setup.recorder(consumer)) {
        try await eventually("the request to be recorded") {
          try await setup.number("select count(*) from directory.skipped_messages where rebuild_requested_at is not null") == 2
        }
        // The consumer reads nothing, so the committed offset is that of the recorder.
        let inspection = try ClusterInspection(setup.broker.configuration(), logger: quiet)
        try await eventually("the offset after the gap to be committed") {
          try await inspection.positions(of: "group-sync", on: [Topic.identityEvents.name: 2]).values.allSatisfy { $0.committed == 15 }
        }
      }
    }
    try await setup.producer.send(
      OutgoingMessage(
        try Rebuild(consumer: "the end", reason: "", invitations: .none).command(id: .made(at: Date()), by: "test", at: Date())
          .cloudEvent(source: "test"), topic: .identityCommands, key: "k"))
    let requested = try await setup.requested(2)
    #expect(requested.map(\.consumer).sorted() == ["group-sync", "the end"])
    #expect(requested.first { $0.consumer == "group-sync" }?.invitations == Restatement.Invitations.none)
    #expect(requested.first { $0.consumer == "group-sync" }?.reason.contains("identity.events[1] from 10 to 15") == true)
    #expect(try await setup.number("select count(*) from directory.skipped_messages") == 2)
    #expect(try await setup.number("select count(distinct rebuild_id) from directory.skipped_messages") == 1)
    await setup.close()
  }

  @Test("A recreated topic is distinguished from a first start by the recorded offsets, also after a restart")
  func recreated() async throws {
    let setup = try await Setup.create()
    try await setup.send(20)
    let first = try await setup.consumer()
    try await running(first, setup.recorder(first)) {
      #expect(try await first.take(20).count == 20)
      try await eventually("the offsets to be recorded") { try await setup.history.offsets().values.reduce(0, +) == 20 }
    }
    try await setup.broker.delete(.identityEvents)
    try await TopicAdministration.ensure(
      [.identityEvents], partitions: 2, replication: 1, configuration: setup.broker.configuration(), logger: quiet)
    let second = try await setup.consumer()
    try await running(second, setup.recorder(second)) {
      try await eventually("the rebuild to be requested") {
        try await setup.number(
          "select count(*) from directory.skipped_messages where cause = 'recreated' and rebuild_requested_at is not null") == 2
      }
      try await setup.send(2)
      #expect(try await second.take(2).count == 2)
    }
    #expect(try await setup.requested(1).map(\.consumer) == ["group-sync"])
    await setup.close()
  }
}
