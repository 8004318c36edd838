import Kafka
import Models
import Postgres
import TestSupport
import Testing

@Suite("Outbox")
struct OutboxTests {
  /// A database with an outbox, and a topic for what is in it.
  private struct Office: Sendable {
    let broker: KafkaBroker
    let topic: Topic
    let pool: PostgresPool
    let producer: Producer

    static func made(_ name: String, on broker: KafkaBroker) async throws -> Office {
      let server = try await PostgresServer.shared()
      let pool = PostgresPool(
        PostgresConfiguration(
          url: server.url(database: try await server.createDatabase()), connections: 1, applicationName: "test", maximumWait: .seconds(60)),
        logger: quiet)
      _ = try await pool.query(
        Statement(
          "create outbox",
          """
          create table outbox (
            id bigint generated always as identity primary key, topic text not null, key bytea, headers text[] not null,
            payload bytea not null, created_at timestamptz not null default now())
          """))
      return Office(
        broker: broker, topic: try await broker.topic(name), pool: pool,
        producer: try Producer(broker.configuration(), logger: quiet))
    }

    func relay(batch: Int = 1000) -> OutboxRelay {
      OutboxRelay(pool: pool, table: "outbox", producer: producer, lockKey: 7, batch: batch, interval: .milliseconds(50), logger: quiet)
    }

    func write(_ numbers: Range<Int>) async throws {
      let step = Outbox(table: "outbox").insertion(of: numbers.map { message(topic, key: "\($0 % 5)", "\($0)") })
      _ = try await pool.transaction { try await $0.pipeline([step], commit: true) }
    }

    func waitUntilEmpty() async throws {
      try await eventually("the outbox to be empty") {
        try await pool.query(Statement("left", "select 1 from outbox limit 1")).isEmpty
      }
    }
  }

  @Test("What is written arrives in its order, once, and is forgotten then")
  func order() async throws {
    let office = try await Office.made("outbox-order", on: KafkaBroker.shared())
    let relay = office.relay(batch: 30)
    try await running(office.pool, office.producer, relay) {
      try await office.write(0..<100)
      relay.wake()
      try await office.write(100..<250)
      relay.wake()
      try await office.waitUntilEmpty()
    }
    let received = try await office.broker.read(office.topic, count: 250).map(\.text)
    #expect(received == (0..<250).map(String.init))
  }

  @Test("Keys, headers and bytes arrive as they were written")
  func content() async throws {
    let office = try await Office.made("outbox-content", on: KafkaBroker.shared())
    try await running(office.pool, office.producer, office.relay()) {
      let step = Outbox(table: "outbox").insertion(of: [
        OutgoingMessage(topic: office.topic.name, key: [0, 1], headers: [("ce_id", "Zoë \"1\"")], value: [255, 0]),
        OutgoingMessage(topic: office.topic.name, key: nil, value: []),
      ])
      _ = try await office.pool.transaction { try await $0.pipeline([step], commit: true) }
      try await office.waitUntilEmpty()
    }
    let received = try await office.broker.read(office.topic, count: 2)
    #expect(received.map(\.key) == [[0, 1], nil])
    #expect(received.map(\.value) == [[255, 0], []])
    #expect(received.first?.header("ce_id") == "Zoë \"1\"")
  }

  @Test("Of several relays one publishes, and another goes on when it ends")
  func leadership() async throws {
    let office = try await Office.made("outbox-leadership", on: KafkaBroker.shared())
    try await running(office.pool, office.producer) {
      let second = office.relay()
      try await running(second) {
        try await running(office.relay(), office.relay()) {
          try await office.write(0..<100)
          second.wake()
          try await office.waitUntilEmpty()
        }
        try await office.write(100..<200)
        second.wake()
        try await office.waitUntilEmpty()
      }
    }
    #expect(try await office.broker.read(office.topic, count: 200).map(\.text) == (0..<200).map(String.init))
  }

  @Test("What was written while the broker was away is published when it is back")
  func brokerOutage() async throws {
    let office = try await Office.made("outbox-outage", on: KafkaBroker.start())
    let relay = office.relay()
    try await running(office.pool, office.producer, relay) {
      try await office.broker.stop()
      try await office.write(0..<50)
      relay.wake()
      try await office.broker.start()
      try await office.waitUntilEmpty()
    }
    let received = try await office.broker.read(office.topic, count: 50).map(\.text)
    #expect(received == (0..<50).map(String.init))
  }

  @Test("A relay that loses its connection leads again, and nothing is lost or out of order")
  func lostConnection() async throws {
    let office = try await Office.made("outbox-connection", on: KafkaBroker.shared())
    let relay = office.relay(batch: 10)
    try await running(office.pool, office.producer, relay) {
      try await office.write(0..<100)
      relay.wake()
      _ = try await office.pool.query(
        Statement(
          "cut off",
          """
          select pg_terminate_backend(pid)
          from pg_locks
          where locktype = 'advisory' and objid = 7 and granted
            and database = (select oid from pg_database where datname = current_database())
          """))
      try await office.write(100..<200)
      relay.wake()
      try await office.waitUntilEmpty()
    }
    let received = try await office.broker.read(office.topic, until: "199").map { Int($0.text) ?? -1 }
    #expect(Set(received) == Set(0..<200))
    // What was published and not yet forgotten when the connection went is published again, and nothing overtakes what is new.
    var seen: Set<Int> = []
    let firsts = received.filter { seen.insert($0).inserted }
    #expect(firsts == Array(0..<200))
  }
}
