import CKafka
import Foundation
import Kafka
import Models
import Outbox
import Postgres
import TestSupport
import Testing

@Suite("Outbox")
struct OutboxTests {
  /// A database with an outbox, and a topic for its messages.
  private struct Setup: Sendable {
    let broker: KafkaBroker
    let topic: Topic
    let pool: PostgresPool
    let producer: Producer

    static func create(_ name: String, on broker: KafkaBroker) async throws -> Setup {
      let topic = try await broker.topic(name)
      return Setup(
        broker: broker, topic: topic, pool: try await pool(), producer: try Producer(broker.configuration(), logger: quiet))
    }

    static func pool() async throws -> PostgresPool {
      let pool = try await DeadLetterTable.pool()
      _ = try await pool.query(
        Statement(
          "create outbox",
          """
          create table outbox (
            id bigint generated always as identity primary key, topic text not null, key bytea, headers text[] not null,
            payload bytea not null, created_at timestamptz not null default now())
          """))
      return pool
    }

    func relay(batch: Int = 1000) -> OutboxRelay {
      OutboxRelay(pool: pool, table: "outbox", producer: producer, lockKey: 7, batch: batch, interval: .milliseconds(50), logger: quiet)
    }

    func write(_ numbers: Range<Int>) async throws {
      try await write(numbers.map { message(topic, key: "\($0 % 5)", "\($0)") })
    }

    func write(_ messages: [OutgoingMessage]) async throws {
      let step = Outbox(table: "outbox").insertion(of: messages)
      _ = try await pool.transaction { try await $0.pipeline([step], commit: true) }
    }

    /// The errors of the dead letters, oldest first.
    func deadLetterErrors() async throws -> [String] {
      try await pool.query(Statement("dead letter errors", "select error from dead_letters order by id")).map { try $0.string(0) }
    }

    func waitUntilEmpty() async throws {
      try await eventually("the outbox to be empty") {
        try await pool.query(Statement("left", "select 1 from outbox limit 1")).isEmpty
      }
    }
  }

  @Test("Written messages arrive once, in order, and are deleted")
  func order() async throws {
    let setup = try await Setup.create("outbox-order", on: KafkaBroker.shared())
    let relay = setup.relay(batch: 30)
    try await running(setup.pool, setup.producer, relay) {
      try await setup.write(0..<100)
      relay.wake()
      try await setup.write(100..<250)
      relay.wake()
      try await setup.waitUntilEmpty()
    }
    let received = try await setup.broker.read(setup.topic, count: 250).map(\.text)
    #expect(received == (0..<250).map(String.init))
  }

  @Test("Keys, headers and bytes arrive as they were written")
  func content() async throws {
    let setup = try await Setup.create("outbox-content", on: KafkaBroker.shared())
    try await running(setup.pool, setup.producer, setup.relay()) {
      let step = Outbox(table: "outbox").insertion(of: [
        OutgoingMessage(topic: setup.topic.name, key: [0, 1], headers: [("ce_id", "Zoë \"1\"")], value: [255, 0]),
        OutgoingMessage(topic: setup.topic.name, key: nil, value: []),
      ])
      _ = try await setup.pool.transaction { try await $0.pipeline([step], commit: true) }
      try await setup.waitUntilEmpty()
    }
    let received = try await setup.broker.read(setup.topic, count: 2)
    #expect(received.map(\.key) == [[0, 1], nil])
    #expect(received.map(\.value) == [[255, 0], []])
    #expect(received.first?.header("ce_id") == "Zoë \"1\"")
  }

  @Test("One of several relays publishes, and another continues when it ends")
  func leadership() async throws {
    let setup = try await Setup.create("outbox-leadership", on: KafkaBroker.shared())
    try await running(setup.pool, setup.producer) {
      let second = setup.relay()
      try await running(second) {
        try await running(setup.relay(), setup.relay()) {
          try await setup.write(0..<100)
          second.wake()
          try await setup.waitUntilEmpty()
        }
        try await setup.write(100..<200)
        second.wake()
        try await setup.waitUntilEmpty()
      }
    }
    #expect(try await setup.broker.read(setup.topic, count: 200).map(\.text) == (0..<200).map(String.init))
  }

  @Test("Messages that were written while the broker was unavailable are published later")
  func brokerOutage() async throws {
    let setup = try await Setup.create("outbox-outage", on: KafkaBroker.start())
    let relay = setup.relay()
    try await running(setup.pool, setup.producer, relay) {
      try await setup.broker.stop()
      try await setup.write(0..<50)
      relay.wake()
      try await setup.broker.start()
      try await setup.waitUntilEmpty()
    }
    let received = try await setup.broker.read(setup.topic, count: 50).map(\.text)
    #expect(received == (0..<50).map(String.init))
  }

  @Test("A relay that loses its connection leads again, and nothing is lost or out of order")
  func lostConnection() async throws {
    let setup = try await Setup.create("outbox-connection", on: KafkaBroker.shared())
    let relay = setup.relay(batch: 10)
    try await running(setup.pool, setup.producer, relay) {
      try await setup.write(0..<100)
      relay.wake()
      _ = try await setup.pool.query(
        Statement(
          "cut off",
          """
          select pg_terminate_backend(pid)
          from pg_locks
          where locktype = 'advisory' and objid = 7 and granted
            and database = (select oid from pg_database where datname = current_database())
          """))
      try await setup.write(100..<200)
      relay.wake()
      try await setup.waitUntilEmpty()
    }
    let received = try await setup.broker.read(setup.topic, until: "199").map { Int($0.text) ?? -1 }
    #expect(Set(received) == Set(0..<200))
    // Messages that were published but not yet deleted when the connection was lost are published again, and the order is kept.
    var seen: Set<Int> = []
    let firsts = received.filter { seen.insert($0).inserted }
    #expect(firsts == Array(0..<200))
  }

  @Test("An event that the broker rejects is dead-lettered and replaced by one without its large fields; nothing is sent twice")
  func tooLarge() async throws {
    let setup = try await Setup.create("outbox-large", on: KafkaBroker.shared())
    let (user, other) = (UserID.made(at: .now), UserID.made(at: .now))
    func event(_ user: UserID, version: Int64, displayName: String) throws -> OutgoingMessage {
      let change = IdentityEvent.userChanged(
        UserChanged(
          workspace: .made(at: .now), user: UserSnapshot(id: user, state: .active, displayName: displayName, role: "editor"),
          change: .updated, version: version, changedAt: .now))
      return OutgoingMessage(
        try change.cloudEvent(id: change.identity, source: "test", time: .now, traceparent: nil), topic: setup.topic, key: "\(user)")
    }
    let large = String(repeating: "x", count: 17 << 20)
    try await setup.write([
      event(user, version: 1, displayName: "Ana"), event(other, version: 1, displayName: "Ben"),
      event(user, version: 2, displayName: large), event(user, version: 3, displayName: "Ana B"),
      event(other, version: 2, displayName: "Ben B"),
      // A message that is not a CloudEvent has no fields to omit.
      OutgoingMessage(topic: setup.topic.name, key: [1], value: Array(repeating: 0, count: 17 << 20)),
    ])
    let errors = try await running(setup.pool, setup.producer, setup.relay()) {
      try await setup.waitUntilEmpty()
      return try await setup.deadLetterErrors()
    }
    let received = try await TopicReader(setup.broker.configuration(), logger: quiet).messages(on: setup.topic.name) { $0 }
    let events = try received.map { message -> UserChanged? in
      guard case .userChanged(let change) = try IdentityEvent(message.cloudEvent()) else { return nil }
      return change
    }.compactMap { $0 }
    #expect(events.filter { $0.user.id == user }.map(\.version) == [1, 2, 3])
    #expect(events.filter { $0.user.id == other }.map(\.version) == [1, 2])
    let stub = try #require(events.first { $0.version == 2 && $0.user.id == user })
    #expect(stub.user.displayName == nil && stub.user.role == "editor" && stub.omitted == ["displayName"])
    #expect(received.compactMap { $0.header("ce_omitted") } == ["displayName"])
    #expect(errors.count == 2 && errors.allSatisfy { $0.contains("MSG_SIZE_TOO_LARGE") })
  }

  @Test("The messages of a batch that the broker rejects are sent alone, and only the rejected one is dead-lettered")
  func rejectedBatch() async throws {
    let cluster = try MockCluster()
    cluster.create(topic: "rejected", partitions: 1)
    let setup = Setup(
      broker: try await KafkaBroker.shared(), topic: Topic(name: "rejected", retention: 3600), pool: try await Setup.pool(),
      // Sends all three messages as one batch.
      producer: try Producer(cluster.configuration(properties: ["linger.ms": "500"]), logger: quiet))
    try await setup.write(["0", "1", "2"].map { message(setup.topic, key: $0, $0) })
    // Rejects the batch of all three, and then the first message alone.
    cluster.fail(.produce, with: [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
    let errors = try await running(setup.pool, setup.producer, setup.relay()) {
      try await setup.waitUntilEmpty()
      return try await setup.deadLetterErrors()
    }
    #expect(errors.count == 1)
    #expect(try cluster.texts(on: "rejected").sorted() == ["1", "2"])
  }

  @Test("A topic that accepts no messages for some time does not block the others")
  func pausedTopic() async throws {
    let setup = try await Setup.create("outbox-paused", on: KafkaBroker.shared())
    let missing = Topic(name: "missing-\(setup.topic.name)", retention: 3600)
    let relay = setup.relay(batch: 5)
    try await running(setup.pool, setup.producer, relay) {
      try await setup.write(
        (0..<20).map { message(missing, key: "\($0)", "\($0)") } + (0..<20).map { message(setup.topic, key: "a", "\($0)") })
      try await eventually("the other topic's messages to be published") {
        try await setup.pool.query(
          Statement("left", "select 1 from outbox where topic = $1 limit 1"), [.text(setup.topic.name)]
        ).isEmpty
      }
      #expect(relay.standstill(longerThan: .zero)?.contains(missing.name) == true)
      #expect(try await setup.pool.query(Statement("waiting", "select 1 from outbox")).count == 20)
      try await TopicAdministration.ensure(
        [missing], partitions: 1, replication: 1, configuration: setup.broker.configuration(), logger: quiet)
      try await setup.waitUntilEmpty()
      try await eventually("the relay to be healthy") { relay.standstill(longerThan: .zero) == nil }
      #expect(try await setup.deadLetterErrors().isEmpty)
    }
    #expect(try await setup.broker.read(setup.topic, count: 20).map(\.text) == (0..<20).map(String.init))
  }
}
