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
            payload bytea not null, created_at timestamptz not null default now(), partition int)
          """))
      return pool
    }

    func relay(batch: Int = 1000, deletionDelay: Duration = .milliseconds(10)) -> OutboxRelay {
      OutboxRelay(pool: pool, table: "outbox", producer: producer, batch: batch, deletionDelay: deletionDelay, logger: quiet)
    }

    func write(_ numbers: Range<Int>) async throws {
      try await write(numbers.map { message(topic, key: "\($0 % 5)", "\($0)") })
    }

    /// Stores messages in one transaction.
    @discardableResult func write(_ messages: [OutgoingMessage], from partitions: [Int32?] = []) async throws -> [StoredMessage] {
      let step = Outbox(table: "outbox").insertion(of: messages, from: partitions)
      let rows = try await pool.transaction { try await $0.pipeline([step], commit: true) }
      return try Outbox.stored(messages, rows[0])
    }

    /// Stores and publishes messages in one transaction, which also deletes rows of published messages.
    func publish(_ messages: [OutgoingMessage], by relay: OutboxRelay) async throws {
      let insertion = Outbox(table: "outbox").insertion(of: messages)
      try await pool.transaction { transaction in
        try await relay.publishing { deletion in
          let rows = try await transaction.pipeline([insertion] + deletion, commit: true)
          return ((), try Outbox.stored(messages, rows[0]))
        }
      }
    }

    var stored: Int {
      get async throws { try await pool.query(Statement("stored", "select 1 from outbox")).count }
    }

    /// The numbers on the topic up to `last`, each where it occurs for the first time.
    func firsts(until last: Int) async throws -> [Int] {
      var seen: Set<Int> = []
      return try await broker.read(topic, until: "\(last)").map { Int($0.text) ?? -1 }.filter { seen.insert($0).inserted }
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
    let relay = setup.relay()
    try await running(setup.pool, setup.producer, relay) {
      let step = Outbox(table: "outbox").insertion(of: [
        OutgoingMessage(topic: setup.topic.name, key: [0, 1], headers: [("ce_id", "Zoë \"1\"")], value: [255, 0]),
        OutgoingMessage(topic: setup.topic.name, key: nil, value: []),
      ])
      _ = try await setup.pool.transaction { try await $0.pipeline([step], commit: true) }
      relay.wake()
      try await setup.waitUntilEmpty()
    }
    let received = try await setup.broker.read(setup.topic, count: 2)
    #expect(received.map(\.key) == [[0, 1], nil])
    #expect(received.map(\.value) == [[255, 0], []])
    #expect(received.first?.header("ce_id") == "Zoë \"1\"")
  }

  @Test("What several processes publish at the same time arrives for the first time in order, although some of it arrives twice")
  func severalProcesses() async throws {
    let setup = try await Setup.create("outbox-processes", on: KafkaBroker.shared())
    let (first, second) = (setup.relay(deletionDelay: .seconds(600)), setup.relay(batch: 10))
    try await running(setup.pool, setup.producer, first, second) {
      for number in 0..<50 {
        try await setup.publish([message(setup.topic, "\(number)")], by: first)
        if number % 10 == 0 { second.wake() }
      }
      second.wake()
      try await setup.waitUntilEmpty()
    }
    #expect(try await setup.firsts(until: 49) == Array(0..<50))
  }

  @Test("Messages are published from memory, and a later transaction deletes their rows")
  func memory() async throws {
    let setup = try await Setup.create("outbox-memory", on: KafkaBroker.shared())
    let relay = setup.relay(deletionDelay: .seconds(600))
    try await running(setup.pool, setup.producer, relay) {
      try await setup.publish([message(setup.topic, "0")], by: relay)
      #expect(try await setup.broker.read(setup.topic, count: 1).map(\.text) == ["0"])
      // A row that the relay is not told of stays, since it does not read the table again.
      try await setup.write([message(setup.topic, "unknown")])
      try await setup.publish([message(setup.topic, "1")], by: relay)
      #expect(try await setup.broker.read(setup.topic, count: 2).map(\.text) == ["0", "1"])
      try await eventually("later transactions to delete the rows of the published messages") {
        try await setup.publish([], by: relay)
        return try await setup.stored == 1
      }
      let left = try await setup.pool.query(Statement("left", "select payload from outbox")).map { try $0.bytes(0) }
      #expect(left == [Array("unknown".utf8)])
    }
  }

  @Test("If the transaction that deletes rows of published messages fails, a later one deletes them")
  func failedDeletion() async throws {
    let setup = try await Setup.create("outbox-failed-deletion", on: KafkaBroker.shared())
    let relay = setup.relay(deletionDelay: .seconds(600))
    try await running(setup.pool, setup.producer, relay) {
      try await setup.publish([message(setup.topic, "0")], by: relay)
      _ = try await setup.broker.read(setup.topic, count: 1)
      var hasFailed = false
      while !hasFailed {
        do {
          try await setup.pool.transaction { transaction in
            try await relay.publishing { deletion in
              if deletion.isEmpty { return ((), []) }
              _ = try await transaction.pipeline(deletion + [(Statement("fail", "select 1 / 0"), [])], commit: true)
              return ((), [])
            }
          }
        } catch let error as PostgresError {
          #expect(error.sqlState == "22012")
          hasFailed = true
        }
      }
      #expect(try await setup.stored == 1)
      try await setup.publish([], by: relay)
      #expect(try await setup.stored == 0)
    }
  }

  @Test("A transaction that commits later is published later, even if it is reported first")
  func orderOfTransactions() async throws {
    let setup = try await Setup.create("outbox-transactions", on: KafkaBroker.shared())
    let relay = setup.relay()
    try await running(setup.pool, setup.producer, relay) {
      try await setup.publish([message(setup.topic, "0")], by: relay)
      _ = try await setup.broker.read(setup.topic, count: 1)
      let (committed, commit) = AsyncStream.makeStream(of: Void.self)
      let (begun, begin) = AsyncStream.makeStream(of: Void.self)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await relay.publishing { _ in
            begin.finish()
            let stored = try await setup.write([message(setup.topic, "1")])
            // Resumes after the other transaction was reported.
            for await _ in committed {}
            return ((), stored)
          }
        }
        for await _ in begun {}
        try await setup.publish([message(setup.topic, "2")], by: relay)
        commit.finish()
        try await group.waitForAll()
      }
      try await setup.waitUntilEmpty()
    }
    #expect(try await setup.broker.read(setup.topic, count: 3).map(\.text) == ["0", "1", "2"])
  }

  @Test("Messages of a process that ended between commit and publication are published by the next process, before its own")
  func crash() async throws {
    let setup = try await Setup.create("outbox-crash", on: KafkaBroker.shared())
    try await setup.write(0..<100)
    let relay = setup.relay(batch: 30)
    try await running(setup.pool, setup.producer, relay) {
      try await setup.publish((100..<110).map { message(setup.topic, "\($0)") }, by: relay)
      try await setup.waitUntilEmpty()
    }
    #expect(try await setup.broker.read(setup.topic, count: 110).map(\.text) == (0..<110).map(String.init))
  }

  @Test("Rows of a partition are published by the process to which it is assigned, and rows without one by any process")
  func partitions() async throws {
    let setup = try await Setup.create("outbox-partitions", on: KafkaBroker.shared())
    let consumer = try setup.broker.consumer(of: try await setup.broker.topic("outbox-input", partitions: 2))
    let relay = OutboxRelay(
      pool: setup.pool, table: "outbox", producer: setup.producer, consumer: consumer, deletionDelay: .milliseconds(10), logger: quiet)
    try await setup.write((0..<3).map { message(setup.topic, "\($0)") }, from: [0, 1, nil])
    try await running(setup.pool, setup.producer, relay) {
      try await eventually("the row without a partition to be published") { try await setup.stored == 2 }
      try await running(consumer) { try await setup.waitUntilEmpty() }
    }
    #expect(try await setup.broker.read(setup.topic, count: 3).map(\.text) == ["2", "0", "1"])
  }

  @Test("If it is unknown whether a transaction was committed, its messages are found in the table")
  func unknownOutcome() async throws {
    let setup = try await Setup.create("outbox-unknown", on: KafkaBroker.shared())
    let relay = setup.relay()
    try await running(setup.pool, setup.producer, relay) {
      try await setup.publish([message(setup.topic, "0")], by: relay)
      _ = try await setup.broker.read(setup.topic, count: 1)
      await #expect(throws: PostgresError.self) {
        try await relay.publishing { _ -> (Void, [StoredMessage]) in
          try await setup.write([message(setup.topic, "1")])
          throw PostgresError(sqlState: "", message: "connection lost", isOutcomeUnknown: true)
        }
      }
      try await setup.publish([message(setup.topic, "2")], by: relay)
      try await setup.waitUntilEmpty()
    }
    #expect(try await setup.broker.read(setup.topic, count: 3).map(\.text) == ["0", "1", "2"])
  }

  @Test("After an error of the broker, messages from memory arrive in order per key")
  func failedDelivery() async throws {
    let cluster = try MockCluster()
    cluster.create(topic: "failing", partitions: 1)
    let setup = Setup(
      broker: try await KafkaBroker.shared(), topic: Topic(name: "failing", retention: 3600), pool: try await Setup.pool(),
      producer: try Producer(cluster.configuration(), logger: quiet))
    let relay = setup.relay()
    let errors = try await running(setup.pool, setup.producer, relay) {
      try await setup.publish([message(setup.topic, "0")], by: relay)
      try await setup.waitUntilEmpty()
      cluster.rejectNextMessages()
      for number in 1..<20 { try await setup.publish([message(setup.topic, "\(number)")], by: relay) }
      try await setup.waitUntilEmpty()
      return try await setup.deadLetterErrors()
    }
    #expect(errors.isEmpty)
    var seen: Set<String> = []
    let texts = try cluster.texts(on: "failing")
    // Messages that followed the failed one are sent again after it.
    #expect(texts.reversed().filter { seen.insert($0).inserted }.reversed() == (0..<20).map(String.init))
  }

  @Test("More messages than fit into memory are published from the table, in order")
  func overflow() async throws {
    let setup = try await Setup.create("outbox-overflow", on: KafkaBroker.shared())
    let relay = setup.relay()
    // The relay does not run yet, so the messages are not posted.
    for start in stride(from: 0, to: 12_000, by: 1_000) {
      try await setup.publish((start..<start + 1_000).map { message(setup.topic, "\($0)") }, by: relay)
    }
    try await running(setup.pool, setup.producer, relay) {
      try await setup.publish([message(setup.topic, "12000")], by: relay)
      try await setup.waitUntilEmpty()
    }
    #expect(try await setup.firsts(until: 12_000) == Array(0...12_000))
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

  @Test("When connections are lost, nothing is lost or out of order")
  func lostConnection() async throws {
    let setup = try await Setup.create("outbox-connection", on: KafkaBroker.shared())
    let relay = setup.relay(batch: 10)
    try await running(setup.pool, setup.producer, relay) {
      try await setup.write(0..<100)
      relay.wake()
      // Waits until the connections are cut off, so that the writes of the test itself do not use one of them.
      _ = try await setup.pool.query(
        Statement(
          "cut off",
          """
          select pg_terminate_backend(pid, 60000)
          from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()
          """))
      try await setup.write(100..<200)
      relay.wake()
      try await setup.waitUntilEmpty()
    }
    // Messages that were published but not yet deleted when the connection was lost may be published again, and the order is kept.
    #expect(try await setup.firsts(until: 199) == Array(0..<200))
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
      relay.wake()
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
