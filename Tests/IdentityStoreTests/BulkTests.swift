import Foundation
import Kafka
import Models
import Outbox
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("A bulk request is processed in batches of independent operations", .timeLimit(.minutes(10)))
struct BulkTests {
  @Test("Operations that refer to a created resource are executed after the transaction that creates it")
  func operations() async throws {
    let store = try await StoreDatabase.start()
    let (ana, team) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let patch = Fixture().patch(#"{"op":"replace","path":"displayName","value":"Team"}"#)
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        operation(.createUser(document: Fixture.user(#"{"userName":"ana@example.com"}"#)), on: ana),
        operation(.createGroup(document: Fixture().group("Data team", members: [ana])), on: team, references: [ana]),
        operation(.patchGroup(patch: patch), on: team, references: [team], expecting: [1]),
        operation(.deleteGroup, on: team, references: [team], expecting: [1]),
        operation(.deleteUser, on: .made(at: Date())),
      ])
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.map(\.status) == [201, 201, 200, 412, 404])
    #expect(outcomes[2] == .written(team, version: 2, created: false))
    #expect(try await store.count("select count(*) from identity.memberships") == 1)
    // The user, the group, and the three others; in addition, the workspace.
    #expect(try await transactions(of: store) == 4)
  }

  @Test("Independent operations share transactions of at most 100 operations, and have the outcomes that they have one by one")
  func batches() async throws {
    let store = try await StoreDatabase.start()
    let before = try await transactions(of: store)
    let ana = ResourceID.made(at: Date())
    var operations = [operation(.createUser(document: Fixture.user(#"{"userName":"ana@example.com"}"#)), on: ana)]
    // Each name twice: the second is a conflict in the same or the next transaction.
    operations += (0..<249).map { createUser("user-\($0 / 2)@example.com") }
    let bulk = Bulk(failOnErrors: nil, operations: operations)
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.map(\.status) == [201] + (0..<249).map { $0.isMultiple(of: 2) ? 201 : 409 })
    #expect(try await transactions(of: store) - before == 3)
    // Changes to the same resource are applied in order.
    let changes = (1...9).map { number in
      operation(
        .patchUser(patch: Fixture().patch(#"{"op":"replace","path":"title","value":"\#(number)"}"#)), on: ana, expecting: [Int64(number)])
    }
    let changed = try await execute(Bulk(failOnErrors: nil, operations: changes), in: store)
    #expect(changed == (2...10).map { .written(ana, version: $0, created: false) })
    #expect(try await transactions(of: store) - before == 4)
    let events = try await store.count("select count(*) from identity.outbox")
    #expect(try await execute(bulk, in: store) == outcomes)
    #expect(try await store.count("select count(*) from identity.outbox") == events)
  }

  @Test("No operation after the last allowed error is executed, even if it is in the same batch", arguments: [1, 2, 49, 50])
  func errorLimit(limit: Int) async throws {
    let store = try await StoreDatabase.start()
    let bulk = Bulk(failOnErrors: limit, operations: (0..<100).map { createUser("user-\($0 / 2)@example.com") })
    let before = try await transactions(of: store)
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.map(\.status) == (0..<(2 * limit)).map { $0.isMultiple(of: 2) ? 201 : 409 })
    #expect(try await store.count("select count(*) from identity.users") == limit)
    #expect(try await transactions(of: store) - before == 1)
    #expect(try await execute(bulk, in: store) == outcomes)
    #expect(try await store.count("select count(*) from identity.users") == limit)
  }

  @Test("The errors of a batch that is processed one by one count as well")
  func errorLimitAfterPoison() async throws {
    let store = try await StoreDatabase.start()
    let broker = try await KafkaBroker.shared()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let deadLetters = DeadLetters("bulk-limit-\(UUID())", producer, in: store)
    try await TopicAdministration.ensure(
      [deadLetters.topic], partitions: 1, replication: 1, configuration: broker.configuration(), timeout: .seconds(30), logger: quiet)
    let poisoned = ResourceID.made(at: Date())
    _ = try await store.process().execute([store.createUser("first@example.com", on: poisoned)])
    let bulk = Bulk(
      failOnErrors: 2,
      operations: [
        createUser("first@example.com"), createUser("before@example.com"),
        operation(.createUser(document: Fixture.user(#"{"userName":"second@example.com"}"#)), on: poisoned),
        createUser("after@example.com"),
      ])
    #expect(try await execute(bulk, in: store, deadLetters: deadLetters).map(\.status) == [409, 201, 500])
    #expect(try await store.count("select count(*) from identity.users") == 2)
    await producer.close()
  }

  @Test("A batch is not heavier than a transaction may be")
  func weight() async throws {
    let store = try await StoreDatabase.start()
    let ids = (0..<6).map { _ in ResourceID.made(at: Date()) }
    _ = try await store.process().execute(
      ids.enumerated().map { store.command(.createGroup(document: Fixture().group("Group \($0)", members: [])), on: $1) })
    let before = try await transactions(of: store)
    // Replacing all members of a group weighs a quarter of the maximum.
    let outcomes = try await execute(
      Bulk(
        failOnErrors: nil,
        operations: ids.enumerated().map { operation(.replaceGroup(document: Fixture().group("Team \($0)", members: [])), on: $1) }),
      in: store)
    #expect(outcomes.allSatisfy { $0.status == 200 })
    #expect(try await transactions(of: store) - before == 2)
  }

  /// The number of transactions that recorded a reply.
  private func transactions(of store: StoreDatabase) async throws -> Int {
    try await store.count("select count(distinct xmin::text) from identity.replies where recorded_at is not null")
  }

  @Test("A redelivered bulk request resumes where it stopped, and gets the same outcomes")
  func redelivery() async throws {
    let store = try await StoreDatabase.start()
    let bulk = Bulk(failOnErrors: nil, operations: (0..<20).map { createUser("user-\($0 / 2)@example.com") })
    // The process dies after the seventh operation.
    let firstPart = Bulk(failOnErrors: nil, operations: Array(bulk.operations.prefix(7)))
    let begun = try await execute(firstPart, in: store)
    let first = try await execute(bulk, in: store)
    #expect(Array(first.prefix(7)) == begun)
    #expect(first.map(\.status) == (0..<20).map { $0.isMultiple(of: 2) ? 201 : 409 })
    let events = try await store.count("select count(*) from identity.outbox")
    let again = try await execute(bulk, in: store)
    #expect(again == first)
    #expect(try await store.count("select count(*) from identity.users") == 10)
    #expect(try await store.count("select count(*) from identity.outbox") == events)
  }

  @Test("Two processes that process the same bulk request concurrently get the same outcomes")
  func concurrently() async throws {
    let store = try await StoreDatabase.start()
    let bulk = Bulk(failOnErrors: nil, operations: (0..<40).map { createUser("user-\($0)@example.com") })
    async let one = execute(bulk, in: store)
    async let other = execute(bulk, in: store)
    let (first, second) = try await (one, other)
    #expect(first == second)
    #expect(first.allSatisfy { $0.status == 201 })
    #expect(try await store.count("select count(*) from identity.users") == 40)
  }

  @Test(
    "After the allowed number of errors the remaining operations are skipped",
    arguments: [(1, 2), (2, 4), (3, 6), (nil, 7)] as [(Int?, Int)])
  func failOnErrors(limit: Int?, executed: Int) async throws {
    let store = try await StoreDatabase.start()
    let names = ["a", "a", "b", "b", "c", "", "d"]
    let bulk = Bulk(
      failOnErrors: limit,
      operations: names.map { name in
        name.isEmpty
          ? Bulk.Operation(command: .made(at: Date()), resource: .made(at: Date()), action: .refused(status: 400, error: Array("{}".utf8)))
          : createUser("\(name)@example.com")
      })
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.count == executed)
    #expect(outcomes.map(\.status) == Array([201, 409, 201, 409, 201, 400, 201].prefix(executed)))
    #expect(try await store.count("select count(*) from identity.users") == outcomes.filter { $0.status == 201 }.count)
    #expect(try await execute(bulk, in: store) == outcomes)
  }

  @Test("Operations that refer to a failed one fail and name it; the others succeed")
  func failedReference() async throws {
    let store = try await StoreDatabase.start()
    let (duplicate, refused, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        createUser("ana@example.com"),
        operation(.createUser(document: Fixture.user(#"{"userName":"ANA@example.com"}"#)), on: duplicate),
        Bulk.Operation(command: .made(at: Date()), resource: refused, action: .refused(status: 400, error: Array("{}".utf8))),
        operation(.createUser(document: Fixture.user(#"{"userName":"ben@example.com"}"#)), on: ben),
        operation(
          .createGroup(document: Fixture().group("Twins", members: [duplicate, ben])), on: .made(at: Date()), references: [duplicate, ben]),
        operation(.deleteUser, on: refused, references: [refused]),
        operation(.createGroup(document: Fixture().group("Bens", members: [ben])), on: .made(at: Date()), references: [ben]),
      ])
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.map(\.status) == [201, 409, 400, 201, 409, 409, 201])
    #expect(outcomes[4].error.contains("\(duplicate)") && outcomes[4].error.contains("status 409"))
    #expect(outcomes[5].error.contains("\(refused)") && outcomes[5].error.contains("status 400"))
    #expect(try await store.count("select count(*) from identity.groups") == 1)
  }

  @Test("References to a user whose record is reused resolve to the existing id")
  func relinking() async throws {
    let store = try await StoreDatabase.start()
    let old = ResourceID.made(at: Date())
    _ = try await store.process().execute([
      store.command(.createUser(document: Fixture.user(#"{"userName":"ana@example.com","active":false}"#)), on: old)
    ])
    let (made, team) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        operation(.createUser(document: Fixture.user(#"{"userName":"ana@example.com"}"#)), on: made),
        operation(.createGroup(document: Fixture().group("Data team", members: [made])), on: team, references: [made]),
        operation(
          .patchUser(patch: Fixture().patch(#"{"op":"replace","path":"title","value":"Boss"}"#)), on: made, references: [made],
          expecting: [2]
        ),
        operation(
          .patchGroup(patch: Fixture().patch(#"{"op":"remove","path":"members[value eq \"\#(made)\"]"}"#)), on: team,
          references: [team, made]),
      ])
    let outcomes = try await execute(bulk, in: store)
    #expect(
      outcomes == [
        .written(old, version: 2, created: true, relink: .samePerson), .written(team, version: 1, created: true),
        .written(old, version: 3, created: false),
        .written(team, version: 2, created: false),
      ])
    #expect(try await store.count("select count(*) from identity.memberships") == 0)
    #expect(try await execute(bulk, in: store) == outcomes)
  }

  @Test("Users who refer to each other are created together, with the ids of reused records")
  func cycle() async throws {
    let store = try await StoreDatabase.start()
    let old = ResourceID.made(at: Date())
    _ = try await store.process().execute([
      store.command(.createUser(document: Fixture.user(#"{"userName":"ben@example.com","active":false}"#)), on: old)
    ])
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        operation(.createUser(document: managed("ana@example.com", by: ben)), on: ana, references: [ben], cycle: 0),
        operation(.createUser(document: managed("ben@example.com", by: ana)), on: ben, references: [ana], cycle: 0),
      ])
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.map(\.status) == [201, 201])
    #expect(outcomes[1] == .written(old, version: 2, created: true, relink: .samePerson))
    #expect(try await managerOf("ana@example.com", in: store) == old.description)
    #expect(try await managerOf("ben@example.com", in: store) == ana.description)
    #expect(try await execute(bulk, in: store) == outcomes)
    #expect(try await store.count("select count(*) from identity.users") == 2)
  }

  @Test("If one of several users who refer to each other cannot be created, none is, and no event is published")
  func brokenCycle() async throws {
    let store = try await StoreDatabase.start()
    _ = try await store.process().execute([store.createUser("ben@example.com")])
    let events = try await store.count("select count(*) from identity.outbox")
    let (ana, ben, cem) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        operation(.createUser(document: managed("ana@example.com", by: ben)), on: ana, references: [ben], cycle: 3),
        operation(.createUser(document: managed("ben@example.com", by: cem)), on: ben, references: [cem], cycle: 3),
        operation(.createUser(document: managed("cem@example.com", by: ana)), on: cem, references: [ana], cycle: 3),
        createUser("dan@example.com"),
      ])
    let outcomes = try await execute(bulk, in: store)
    #expect(outcomes.map(\.status) == [409, 409, 409, 201])
    #expect(outcomes[1].error.contains("uniqueness"))
    #expect(outcomes[0].error.contains("\(ben)") && outcomes[2].error.contains("\(ben)"))
    #expect(try await store.count("select count(*) from identity.users") == 2)
    #expect(try await store.count("select count(*) from identity.outbox") == events + 1)
  }

  @Test("A poisoned operation gets 500 and is dead-lettered as a single command; the others succeed, and references to it fail")
  func poison() async throws {
    let store = try await StoreDatabase.start()
    let broker = try await KafkaBroker.shared()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let deadLetters = DeadLetters("bulk-poison-\(UUID())", producer, in: store)
    try await TopicAdministration.ensure(
      [deadLetters.topic], partitions: 1, replication: 1, configuration: broker.configuration(), timeout: .seconds(30), logger: quiet)
    // The id belongs to another user, so the database always rejects it.
    let poisoned = ResourceID.made(at: Date())
    _ = try await store.process().execute([store.createUser("first@example.com", on: poisoned)])
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        createUser("before@example.com"),
        operation(.createUser(document: Fixture.user(#"{"userName":"second@example.com"}"#)), on: poisoned),
        operation(.createGroup(document: Fixture().group("Team", members: [poisoned])), on: .made(at: Date()), references: [poisoned]),
        createUser("after@example.com"),
      ])
    let outcomes = try await execute(bulk, in: store, deadLetters: deadLetters)
    #expect(outcomes.map(\.status) == [201, 500, 409, 201])
    await producer.close()
    let consumer = try Consumer(
      broker.configuration(),
      ConsumerConfiguration(group: "reader of \(deadLetters.topic.name)", instance: "reader", topics: [deadLetters.topic]),
      logger: quiet)
    let deadLetter = try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await consumer.run() }
      defer { group.cancelAll() }
      var batches = consumer.batches.makeAsyncIterator()
      return try await batches.next()?.messages.first
    }
    let command = try Command(try #require(deadLetter).cloudEvent())
    #expect(command.id == bulk.operations[1].command)
    #expect(command.resource == poisoned)
    #expect(command.operation.type == "rollcall.command.create-user.v1")
  }

  @Test("Operations after the deadline are refused; earlier ones stay applied")
  func deadline() async throws {
    let store = try await StoreDatabase.start()
    let bulk = Bulk(failOnErrors: nil, operations: [createUser("ana@example.com"), createUser("ben@example.com")])
    _ = try await execute(Bulk(failOnErrors: nil, operations: [bulk.operations[0]]), in: store)
    let late = try await execute(bulk, in: store, deadline: Date() - 1)
    #expect(late.map(\.status) == [201, 503])
    #expect(try await execute(bulk, in: store).map(\.status) == [201, 503])
    #expect(try await store.count("select count(*) from identity.users") == 1)
  }

  // MARK: Builders

  private func operation(
    _ write: Command.Operation, on resource: ResourceID, references: [ResourceID] = [], expecting versions: [Int64]? = nil,
    cycle: Int? = nil
  ) -> Bulk.Operation {
    Bulk.Operation(
      command: .made(at: Date()), resource: resource, expectedVersions: versions, references: references, cycle: cycle,
      action: .write(write))
  }

  private func createUser(_ name: String) -> Bulk.Operation {
    operation(.createUser(document: Fixture.user(#"{"userName":"\#(name)"}"#)), on: .made(at: Date()))
  }

  private func managed(_ name: String, by manager: ResourceID) -> [UInt8] {
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    return Fixture.user(#"{"userName":"\#(name)","\#(enterprise)":{"manager":{"value":"\#(manager)"}}}"#)
  }

  private func managerOf(_ name: String, in store: StoreDatabase) async throws -> String? {
    let pool = store.process().pool
    let rows = try await pool.query(
      Statement(
        once: "manager", "select substring(document from '\"manager\":\\{\"value\":\"([^\"]*)') from identity.users where user_name = $1"),
      [.text(name)])
    await pool.close()
    return try rows.first?.optionalString(0)
  }

  /// Processes a bulk request in a new process, as if it received it from the topic.
  private func execute(
    _ bulk: Bulk, in store: StoreDatabase, deadline: Date? = nil, deadLetters: DeadLetters? = nil
  ) async throws -> [Bulk.Outcome] {
    let broker = try await KafkaBroker.shared()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let processor = CommandProcessor(
      transaction: store.process().transaction, deadLetters: deadLetters ?? DeadLetters("none", producer, in: store), logger: quiet)
    let event = try store.command(.bulk(bulk), deadline: deadline).cloudEvent(source: "test")
    let received = try ReceivedCommand(
      Message(
        topic: Topic.identityCommands.name, partition: 0, offset: 0, timestamp: nil, key: Array(event.subject.utf8), headers: event.headers,
        value: event.data))
    let reply = try await BulkRunner(processor: processor, onCommit: {}).run(received, try #require(received.bulk))
    await producer.close()
    guard case .bulk(let outcomes) = reply.outcome else { return [] }
    return outcomes
  }
}

extension Bulk.Outcome {
  /// The HTTP status of the outcome.
  var status: Int {
    switch self {
    case .written(_, _, let created, _, _): created ? 201 : 200
    case .done: 204
    case .refused(let status, _): status
    }
  }

  /// The SCIM error as JSON text; empty if there is none.
  var error: String {
    if case .refused(_, let error) = self { String(decoding: error, as: UTF8.self) } else { "" }
  }
}
