import Foundation
import Kafka
import Models
import Outbox
import Postgres
import Primitives
import ProvisioningLog
import SCIM
import ServiceLifecycle
import TestSupport
import Testing

@testable import IdentityStore

@Suite("The provisioning log table", .timeLimit(.minutes(10)))
struct ProvisioningLogTests {
  private func entry(
    _ status: Int, at time: Date = Date(), in workspace: WorkspaceID = Fixture.workspace, _ change: (inout LogEntry) -> Void = { _ in }
  ) -> LogEntry {
    var entry = LogEntry(
      id: .made(at: time), workspace: workspace, at: time, method: "POST", path: "/api/v2/scim/Users", status: status, milliseconds: 1)
    entry.resourceType = .user
    change(&entry)
    return entry
  }

  private func withLog(_ body: (StoreDatabase, PostgresPool, LogRepository) async throws -> Void) async throws {
    let store = try await StoreDatabase.start()
    let pool = store.process().pool
    try await body(store, pool, LogRepository { try await pool.query($0, $1) })
    await pool.close()
  }

  @Test("A redelivered entry is written once, and an entry of an unknown workspace is skipped")
  func idempotent() async throws {
    try await withLog { store, pool, log in
      let writer = LogWriter(pool: pool)
      let first = entry(201) { $0.name = "Ana@example.com" }
      let entries = [first, entry(409), entry(201, in: .made(at: Date()))]
      try await writer.write(entries)
      try await writer.write(entries + [entry(404)])
      #expect(try await store.count("select count(*) from identity_read.provisioning_log") == 3)
      #expect(try await log.entry(first.id, in: store.workspace) == LogEntry(json: first.json()))
      #expect(try await log.entry(first.id, in: .made(at: Date())) == nil)
    }
  }

  @Test("An entry about an unverified sender keeps the highest count in any order of arrival, and is not counted as a request")
  func unverifiedSender() async throws {
    try await withLog { store, pool, log in
      let writer = LogWriter(pool: pool)
      let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
      func sender(_ requests: Int, id: LogEntryID) -> LogEntry {
        LogEntry(
          id: id, workspace: store.workspace, unverified: .init(requests: requests, firstAt: now, lastAt: now + Double(requests)),
          address: "203.0.113.7", detail: "not known")
      }
      let (id, other) = (LogEntryID.made(at: now), LogEntryID.made(at: now))
      let written = entry(404)
      try await writer.write([sender(1, id: id), written])
      try await writer.write([sender(7, id: id), sender(3, id: id), sender(2, id: other)])
      try await writer.write([sender(5, id: id)])
      #expect(try await log.entry(id, in: store.workspace) == sender(7, id: id))
      #expect(try await log.entry(other, in: store.workspace) == sender(2, id: other))
      #expect(try await store.count("select count(*) from identity.provisioning_log") == 3)
      #expect(try await store.count("select sum(requests)::int8 from identity.provisioning_hours") == 1)
      #expect(try await store.count("select sum(failures)::int8 from identity.provisioning_causes where cause = 'tokenUnknown'") == 2)
      // An entry of another kind is not overwritten, even by an entry about an unverified sender with its id.
      try await writer.write([sender(9, id: written.id)])
      #expect(try await log.entry(written.id, in: store.workspace) == LogEntry(json: written.json()))
      // The role of identity-store can update that column only.
      try await pool.transaction { transaction in
        _ = try await transaction.pipeline([
          (Statement(once: "role", "set local role rollcall_store"), []),
          (Statement(once: "entry", "update identity.provisioning_log set entry = entry"), []),
        ])
      }
      await #expect(throws: PostgresError.self) {
        try await pool.transaction { transaction in
          _ = try await transaction.pipeline([
            (Statement(once: "role", "set local role rollcall_store"), []),
            (Statement(once: "status", "update identity.provisioning_log set status = 200"), []),
          ])
        }
      }
    }
  }

  @Test("The latest entries are filtered by failure, status, time and subject, in chronological order")
  func selection() async throws {
    try await withLog { store, pool, log in
      let now = Date()
      let user = ResourceID.made(at: now)
      _ = try await store.process().execute([store.createUser("Ana@example.com", on: user)])
      let entries = [
        entry(201, at: now - 7200) { $0.name = "Ana@example.com" },
        entry(404, at: now - 3600) { $0.resource = user },
        entry(409, at: now - 60) { $0.name = "ben@example.com" },
        entry(200, at: now - 30) { $0.operations = LogEntry.Operations(count: 2, failed: 1) },
      ]
      try await LogWriter(pool: pool).write(entries.shuffled())
      func statuses(_ change: (inout LogRepository.Selection) -> Void) async throws -> [Int] {
        var selection = LogRepository.Selection()
        change(&selection)
        return try await log.entries(selection, in: store.workspace).map(\.entry.status)
      }
      #expect(try await statuses { _ in } == [201, 404, 409, 200])
      #expect(try await statuses { $0.limit = 2 } == [409, 200])
      #expect(try await statuses { $0.failedOnly = true } == [404, 409, 200])
      #expect(try await statuses { $0.status = 400...499 } == [404, 409])
      #expect(try await statuses { $0.since = now - 600 } == [409, 200])
      #expect(try await statuses { $0.subject = "ANA@example.com" } == [201, 404])
      #expect(try await statuses { $0.subject = "\(user)" } == [404])
      #expect(try await statuses { $0.subject = "nobody" } == [])
      #expect(
        try await log.entries(LogRepository.Selection(), in: store.workspace).map(\.presentName) == [nil, "Ana@example.com", nil, nil])
      #expect(try await log.entries(LogRepository.Selection(), in: .made(at: now)).isEmpty)
    }
  }

  @Test("Partitions are created in advance and dropped after the retention, and maintenance is idempotent")
  func partitions() async throws {
    try await withLog { store, pool, log in
      let old = Date() - 5 * 86_400
      try await LogWriter(pool: pool).write([entry(201, at: old), entry(201)])
      let days = "select count(*) from pg_inherits where inhparent = 'identity.provisioning_log'::regclass"
      #expect(try await store.count(days) == 11)
      let keeping = LogPartitions(pool: pool, days: 30, logger: quiet)
      try await keeping.maintain()
      #expect(try await store.count(days) == 11)
      #expect(try await store.count("select count(*) from identity.provisioning_log") == 2)
      let short = LogPartitions(pool: pool, days: 4, logger: quiet)
      try await short.maintain()
      #expect(try await store.count(days) == 8)
      #expect(try await store.count("select count(*) from identity.provisioning_log") == 1)
      #expect(keeping.covers(old, at: Date()) && !short.covers(old, at: Date()))
      #expect(keeping.covers(Date() + 86_400, at: Date()) && !keeping.covers(Date() + 30 * 86_400, at: Date()))
    }
  }

  @Test("The role of identity-store can insert entries and maintain partitions, but not delete or rewrite entries")
  func rights() async throws {
    try await withLog { store, pool, log in
      let rows = try await pool.query(
        Statement(
          once: "rights",
          """
          select
            has_table_privilege('rollcall_store', 'identity.provisioning_log', 'insert'),
            has_table_privilege('rollcall_store', 'identity.provisioning_log', 'delete'),
            has_table_privilege('rollcall_store', 'identity.audit', 'update'),
            has_table_privilege('rollcall_store', 'identity.audit', 'delete'),
            has_function_privilege('rollcall_store', 'identity.maintain_provisioning_log(int, int, int)', 'execute'),
            has_function_privilege('rollcall_reader', 'identity.maintain_provisioning_log(int, int, int)', 'execute'),
            has_table_privilege('rollcall_reader', 'identity_read.provisioning_log', 'select')
          """))
      let row = try #require(rows.first)
      #expect(try (0..<7).map { try row.bool($0) } == [true, false, false, false, true, false, true])
      try await pool.transaction { transaction in
        _ = try await transaction.pipeline([
          (Statement(once: "role", "set local role rollcall_store"), []),
          (Statement(once: "maintain", "select * from identity.maintain_provisioning_log(7, 5, 30)"), []),
        ])
      }
    }
  }

  @Test(
    "The role of scim-api sees only the entries and the audit trail of the current workspace; the operator role sees all",
    arguments: [
      "provisioning_log", "audit",
    ])
  func rowSecurity(_ view: String) async throws {
    try await withLog { store, pool, log in
      try await LogWriter(pool: pool).write([entry(201)])
      var command = store.command(.deleteUser)
      command.actor = .operator("ana")
      _ = try await store.process().execute([command])
      func seen(as role: String, in workspace: WorkspaceID?) async throws -> Int {
        try await pool.transaction { transaction in
          let rows = try await transaction.pipeline([
            (Statement(once: "role", "set local role \(role)"), []),
            (Statement(once: "workspace", "select set_config('rollcall.workspace', $1, true)"), [.text(workspace.map { "\($0)" } ?? "")]),
            (Statement(once: "seen", "select count(*) from identity_read.\(view)"), []),
          ])
          return try rows.last?.first?.int(0) ?? -1
        }
      }
      #expect(try await seen(as: "rollcall_reader", in: store.workspace) == 1)
      #expect(try await seen(as: "rollcall_reader", in: .made(at: Date())) == 0)
      #expect(try await seen(as: "rollcall_reader", in: nil) == 0)
      #expect(try await seen(as: "rollcall_operator", in: nil) == 1)
    }
  }

  @Test("The diagnosis of a stale id names the current user with that name, found by the name hash in the tombstone")
  func staleID() async throws {
    try await withLog { store, pool, log in
      let (deletedID, currentID) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
      let process = store.process()
      _ = try await process.execute([store.createUser("ana@example.com", on: deletedID)])
      _ = try await process.execute([store.command(.deleteUser, on: deletedID)])
      _ = try await process.execute([store.createUser("Ana@Example.com", on: currentID)])
      // The request has no body that contains the name.
      let failure = entry(404) {
        $0.resource = deletedID
        $0.path = "/api/v2/scim/Users/\(deletedID)"
        $0.identityProvider = "okta"
      }
      let diagnosis = try #require(try await log.diagnosis(of: failure))
      #expect(diagnosis.cause == .staleUser)
      #expect(diagnosis.explanation.contains("'Ana@Example.com' belongs today to the user with id \(currentID)"))
      #expect(diagnosis.explanation.contains("it was deleted on"))
      #expect(diagnosis.fix.contains("Assign to People"))
      let members = entry(400) {
        $0.resourceType = .group
        $0.path = "/api/v2/scim/Groups"
        $0.scimType = "invalidValue"
        $0.detail = "members.value: no user of this workspace has the id"
        let json: JSON = ["members": [["value": .string("\(deletedID)")], ["value": .string("\(currentID)")], ["value": "nobody"]]]
        $0.body = LoggedBody.keeping(json, bytes: 100).body
      }
      #expect(try await log.diagnosisContext(for: members).unknownMembers.map(\.id) == ["\(deletedID)", "nobody"])
      #expect(try await log.diagnosisContext(for: members).unknownMembers.first?.deletedAt != nil)
      let taken = entry(409) {
        $0.scimType = "uniqueness"
        $0.name = "ANA@example.com"
      }
      #expect(try await log.diagnosisContext(for: taken).nameOwner?.id == currentID)
      await process.pool.close()
    }
  }

  @Test("Entries are stored, also without partitions; unreadable messages are dead-lettered, and entries that are too old are dropped")
  func loop() async throws {
    let store = try await StoreDatabase.start()
    let kafka = try await KafkaBroker.shared().configuration()
    let topic = Topic(name: "log-\(UUIDText.text(UUID()))", retention: 3600)
    let deadLetters = Topic.deadLetters(of: topic.name)
    try await TopicAdministration.ensure(
      [topic, deadLetters], partitions: 2, replication: 1, configuration: kafka, timeout: .seconds(30), logger: quiet)
    let pool = store.process().pool
    let producer = try Producer(kafka, logger: quiet)
    let consumer = try Consumer(
      kafka, ConsumerConfiguration(group: topic.name, instance: topic.name, topics: [topic]), logger: quiet)
    let loop = LogConsumer(
      consumer: consumer, writer: LogWriter(pool: pool), partitions: LogPartitions(pool: pool, days: 30, logger: quiet),
      deadLetters: DeadLetters(topic.name, producer, in: store), logger: quiet)
    let group = ServiceGroup(services: [pool, producer, consumer, loop], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      _ = try await store.text(
        """
        do $$
        declare
          partition text;
        begin
          for partition in select inhrelid::regclass::text from pg_inherits where inhparent = 'identity.provisioning_log'::regclass loop
            execute 'drop table ' || partition;
          end loop;
        end
        $$
        """)
      let entries = (0..<50).map { _ in entry(201) } + [entry(201, at: Date() - 20 * 86_400)]
      try await producer.send(
        contentsOf: entries.map { OutgoingMessage($0.cloudEvent(source: "test"), topic: topic, key: "\($0.workspace)") }
          + [OutgoingMessage(topic: topic.name, key: nil, value: Array("nonsense".utf8))])
      try await eventually("the entries to be written") {
        try await store.count("select count(*) from identity.provisioning_log") == 50
      }
      let inspection = try ClusterInspection(kafka, logger: quiet)
      try await eventually("the unreadable message to be dead-lettered") {
        try await inspection.positions(of: topic.name, on: [deadLetters.name: 2]).values.reduce(0) { $0 + $1.high } == 1
      }
      try await eventually("all offsets to be committed") {
        try await inspection.positions(of: topic.name, on: [topic.name: 2]).values.reduce(0) { $0 + $1.lag } == 0
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }
}
