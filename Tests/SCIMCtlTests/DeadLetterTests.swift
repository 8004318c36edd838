import Foundation
import Kafka
import Logging
import Migrations
import Models
import Outbox
import Postgres
import TestSupport
import Testing

@testable import ScimctlCommands

@Suite("Dead letters in scimctl", .timeLimit(.minutes(5)))
struct DeadLetterTests {
  private static let now = Date(timeIntervalSince1970: 1_769_850_000)
  private let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

  private static func deadLetter(offset: Int64, value: String = "{}", type: String? = "rollcall.command.create-user.v1") -> DeadLetter {
    let headers: [(name: String, value: String)] = [
      ("ce_deadline", "2026-01-31T09:30:10.000Z"), ("ce_replypartition", "1"), ("ce_correlationid", "x"), ("ce_actor", "token:ana"),
      (DeadLetters.Header.error, "no"), (DeadLetters.Header.attempts, "3"), (DeadLetters.Header.originTopic, "identity.commands"),
      (DeadLetters.Header.originPartition, "2"), (DeadLetters.Header.originOffset, "41"), (DeadLetters.Header.time, Timestamp.text(now)),
    ]
    return DeadLetter(
      Message(
        topic: "identity-store.dead-letters", partition: 0, offset: offset, timestamp: nil, key: [1],
        headers: headers + (type.map { [(name: "ce_type", value: $0)] } ?? []), value: Array(value.utf8)), consumer: "identity-store")
  }

  @Test("Dead letters have stable ids, and are found by a unique prefix")
  func ids() throws {
    let deadLetters = (0..<200).map { Self.deadLetter(offset: $0) }
    #expect(Set(deadLetters.map(\.id)).count == 200 && deadLetters[3].id == Self.deadLetter(offset: 3).id && deadLetters[3].id.count == 12)
    #expect(try DeadLetterRepository.select(deadLetters[3].id.uppercased(), from: deadLetters).location == deadLetters[3].location)
    let none = #expect(throws: ScimctlError.self) { try DeadLetterRepository.select("zz", from: deadLetters) }
    #expect(none?.status == .notFound && none?.message.contains("dead-letters list --all") == true)
    let many = #expect(throws: ScimctlError.self) { try DeadLetterRepository.select("", from: deadLetters) }
    #expect(many?.status == .usage && many?.message.contains("200 ids") == true)
  }

  @Test("A replayed message has no dead-letter headers, and a replayed command has no deadline")
  func replay() {
    let message = Self.deadLetter(offset: 1).replay
    #expect(message.topic == "identity.commands" && message.key == [1])
    #expect(message.headers.map(\.name) == ["ce_actor", "ce_type"])
  }

  @Test(
    "Secrets are not shown",
    arguments: [
      (#"{"userName":"ana","password":"hunter2"}"#, "hunter2"), (#"{"userName":"ana","password":"hun"#, "hun\""),
      ("password=hunter2", "hunter2"), (#"{"note":"rollcall_0123456789abcdef0123456789"}"#, "0123456789abcdef"),
    ])
  func secrets(_ value: String, _ secret: String) {
    let shown = Self.deadLetter(offset: 1, value: value).data
    #expect(!shown.contains(secret) && !shown.isEmpty)
    let json = String(decoding: Self.deadLetter(offset: 1, value: value).completeJSON(WorkspaceSlugs()).serialized(), as: UTF8.self)
    #expect(!json.contains(secret) && json.contains(#""name":"ce_actor","value":"token:ana""#))
  }

  @Test("doctor reports open dead letters")
  func doctor() {
    var handled = Self.deadLetter(offset: 1)
    handled.outcome = DeadLetter.Outcome(name: "dropped", actor: "operator:ana", at: Self.now)
    #expect(DeadLetterCheck.findings([handled]).map(\.status) == [.ok])
    let findings = DeadLetterCheck.findings([handled, Self.deadLetter(offset: 2), Self.deadLetter(offset: 3)])
    #expect(findings.map(\.status) == [.warn] && findings[0].message.contains("2 messages of identity-store"))
    let failure = #expect(throws: ScimctlError.self) { try handled.unhandled() }
    #expect(failure?.status == .alreadyExists && failure?.message.contains("was dropped by operator:ana") == true)
  }

  @Test("Dead letters are listed from Kafka and the database, replayed once, dropped, and recorded in the audit trail")
  func lifecycle() async throws {
    let broker = try await KafkaBroker.start()
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: database, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: "test", maximumWait: PostgresServer.testTimeout),
        logger: quiet)
    }
    let (owner, store, scimctl) = (pool("postgres"), pool("identity_store"), pool("scimctl"))
    let workspace = WorkspaceID.made(at: .now)
    _ = try await owner.query(
      Statement(
        once: "workspace", "insert into identity.workspaces values ($1, 'acme', '{}', 1, now(), now())"),
      [.uuid(workspace.uuid)])
    let kafka = broker.configuration()
    let topics = [Topic.identityCommands, .signInEvents, .deadLetters(of: "identity-store")]
    try await TopicAdministration.ensure(topics, partitions: 2, replication: 1, configuration: kafka, logger: quiet)
    let producer = try Producer(kafka, logger: quiet)
    let deadLetters = DeadLetters(
      consumer: "identity-store", producer: producer, table: DeadLetterTable("identity.dead_letters", pool: store), logger: quiet)

    // One dead letter in Kafka, and two that are too large for it: the original message of one still exists, the other's does not.
    let small = Message(
      topic: Topic.signInEvents.name, partition: 0, offset: 5, timestamp: nil, key: [1], headers: [("ce_workspaceid", "\(workspace)")],
      value: Array("small".utf8))
    try await deadLetters.send(small, error: "cannot be read", attempts: 1)
    let data = Array(repeating: UInt8(ascii: "x"), count: 100_000)
    try await producer.send(
      OutgoingMessage(topic: Topic.signInEvents.name, partition: 1, key: [2], headers: [("ce_id", "1")], value: data))
    for offset in [0, 7] {
      _ = try await store.query(
        Statement(
          once: "large",
          """
          insert into identity.dead_letters (kind, topic, origin_partition, origin_offset, key, headers, payload, size, error, attempts)
          values ('message', 'sign-in.events', 1, $1, '\\x02', '{ce_id,1}', convert_to('xxxx', 'UTF8'), 100000, 'too large', 1)
          """), [.int(Int64(offset))])
    }

    let repository = DeadLetterRepository(reader: TopicReader(kafka, logger: quiet), pool: scimctl)
    let listed = try await repository.all()
    #expect(listed.count == 3 && Set(listed.map(\.kind)) == [.kafka, .database])
    let onKafka = try #require(listed.first { $0.kind == .kafka })
    #expect(onKafka.workspace == workspace && onKafka.error == "cannot be read" && onKafka.origin?.offset == 5)
    let stored = listed.filter { $0.kind == .database }
    #expect(stored.allSatisfy { !$0.isComplete })
    let retained = try #require(stored.first { $0.origin?.offset == 0 })
    #expect(try await repository.complete(retained).replay.value == data)
    let deleted = try #require(stored.first { $0.origin?.offset == 7 })
    let failure = await #expect(throws: ScimctlError.self) { try await repository.complete(deleted) }
    #expect(failure?.message.contains("only the first 4 of 100000 bytes") == true)

    // If the message cannot be sent, the dead letter stays open.
    await #expect(throws: KafkaError.self) {
      try await repository.markHandled(onKafka, as: "replayed", by: "operator:ana") {
        try await producer.send(OutgoingMessage(topic: onKafka.topic, key: nil, value: Array(repeating: 0, count: 17 << 20)))
      }
    }
    try await repository.markHandled(onKafka, as: "replayed", by: "operator:ana") { try await producer.send(onKafka.replay) }
    await #expect(throws: ScimctlError.self) { try await repository.markHandled(onKafka, as: "dropped", by: "operator:eve") {} }
    try await repository.markHandled(deleted, as: "dropped", by: "operator:ana") {}
    let after = try await repository.all()
    #expect(after.filter { $0.outcome == nil }.map(\.id) == [retained.id])
    #expect(after.first { $0.id == onKafka.id }?.outcome?.name == "replayed")
    let sent = try await TopicReader(kafka, logger: quiet).messages(on: Topic.signInEvents.name) {
      String(decoding: $0.value, as: UTF8.self)
    }
    #expect(sent.filter { $0 == "small" }.count == 1)
    let audit = try await scimctl.query(
      Statement("audit", "select actor, action, target from identity_read.audit where workspace_id = $1"), [.uuid(workspace.uuid)])
    #expect(
      try audit.map { try [$0.string(0), $0.string(1), $0.string(2)] } == [
        ["operator:ana", "replay-dead-letter", "dead-letter \(onKafka.id)"]
      ])
    // The operator's role can write nothing else, and scim-api's role cannot read dead letters.
    for sql in ["delete from identity_read.dead_letters", "insert into identity.dead_letter_outcomes values ('x', 'dropped', 'y')"] {
      await #expect(throws: PostgresError.self) { try await scimctl.query(Statement(once: "attempt", sql)) }
    }
    let edge = pool("scim_api")
    for table in ["identity", "mailer", "directory"] {
      await #expect(throws: PostgresError.self) {
        try await edge.query(Statement(once: "attempt", "select 1 from \(table)_read.dead_letters"))
      }
    }
    await producer.close()
    for pool in [owner, store, scimctl, edge] { await pool.close() }
  }
}
