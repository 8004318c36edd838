import Foundation
import Kafka
import Models
import Outbox
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("A batch is a transaction", .timeLimit(.minutes(10)))
struct BatchTests {
  @Test("A redelivered command gets the same reply and changes nothing, in its batch and in a later one")
  func redelivery() async throws {
    let store = try await StoreDatabase.start()
    let command = store.createUser("ana@example.com")
    let first = try await store.process().execute([command, command])
    #expect(first.map(\.outcome.status) == [201, 201])
    #expect(first[0] == first[1])
    // Another process, which finds only the recorded reply.
    let later = try await store.process().execute([command])
    #expect(later.map { $0.encoded().attributes } == [first[0].encoded().attributes])
    #expect(later.map { $0.encoded().data } == [first[0].encoded().data])
    #expect(try await store.count("select count(*) from identity.users") == 1)
    #expect(
      try await store.count(
        "select count(*) from identity.outbox where topic = 'identity.events' and position('ana' in encode(payload, 'escape')) > 0") == 1)
  }

  @Test("A later command of a batch sees the changes of an earlier one")
  func order() async throws {
    let store = try await StoreDatabase.start()
    let id = ResourceID.made(at: Date())
    let rename = store.command(.replaceUser(document: Fixture.user(#"{"userName":"zoe@example.com"}"#)), on: id)
    let replies = try await store.process().execute([
      store.createUser("ana@example.com", on: id), rename, store.createUser("ana@example.com"), store.createUser("ZOE@example.com"),
    ])
    #expect(replies.map(\.outcome.status) == [201, 200, 201, 409])
    #expect(try await store.count("select count(*) from identity.users") == 2)
  }

  @Test("Of two processes that create the same user concurrently, one replies 201 and the other 409")
  func race() async throws {
    let store = try await StoreDatabase.start()
    let (one, other) = (store.process(), store.process())
    for round in 0..<25 {
      async let first = one.execute([store.createUser("user-\(round)@example.com"), store.createUser("other-\(round)@example.com")])
      async let second = other.execute([store.createUser("OTHER-\(round)@example.com"), store.createUser("User-\(round)@example.com")])
      let statuses = try await (first + second).map(\.outcome.status)
      #expect(statuses.sorted() == [201, 201, 409, 409], "round \(round)")
    }
    #expect(try await store.count("select count(*) from identity.users") == 50)
  }

  @Test("A command past its deadline is rejected, also when it is redelivered, and changes nothing")
  func deadline() async throws {
    let store = try await StoreDatabase.start()
    let late = store.createUser("late@example.com", deadline: Date() - 1)
    #expect(try await store.process().execute([late]).map(\.outcome.status) == [503])
    #expect(try await store.process().execute([late]).map(\.outcome.status) == [503])
    #expect(try await store.count("select count(*) from identity.users") == 0)
  }

  @Test("A batch that exceeds its time limit is rolled back, and may be processed later")
  func bound() async throws {
    let store = try await StoreDatabase.start()
    let command = store.createUser("ana@example.com")
    await #expect(throws: BatchTimeLimitExceeded.self) {
      try await store.process(bound: .nanoseconds(1)).execute([command])
    }
    #expect(try await store.count("select count(*) from identity.users") == 0)
    #expect(try await store.process().execute([command]).map(\.outcome.status) == [201])
  }

  @Test("A command that fails gets 500 and is dead-lettered; the rest of its batch succeeds")
  func poison() async throws {
    let store = try await StoreDatabase.start()
    let broker = try await KafkaBroker.shared()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let deadLetters = DeadLetters("poison-\(UUID())", producer, in: store)
    try await TopicAdministration.ensure(
      [deadLetters.topic], partitions: 1, replication: 1, configuration: broker.configuration(), timeout: .seconds(30), logger: quiet)
    let processor = CommandProcessor(transaction: store.process().transaction, deadLetters: deadLetters, logger: quiet)
    // The id belongs to another user, so the database always rejects it.
    let taken = ResourceID.made(at: Date())
    _ = try await store.process().execute([store.createUser("first@example.com", on: taken)])
    let poison = store.createUser("second@example.com", on: taken)
    let received = try [store.createUser("before@example.com"), poison, store.createUser("after@example.com")]
      .map { try ReceivedCommand(message($0)) }
    let replies = try await processor.process(received, writeSet: WriteSet(of: received.map(\.read))) {}
    #expect(replies.map(\.outcome.status) == [201, 500, 201])
    #expect(try await store.count("select count(*) from identity.users") == 3)
    await producer.close()
    #expect(try await first(on: deadLetters.topic, of: broker)?.value == received[1].message.value)
  }

  @Test("A command that exceeds the time limit twice gets 500 and is not retried; other workspaces do not wait for it")
  func timeout() async throws {
    let store = try await StoreDatabase.start()
    let broker = try await KafkaBroker.shared()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let deadLetters = DeadLetters("timeout-\(UUID())", producer, in: store)
    try await TopicAdministration.ensure(
      [deadLetters.topic], partitions: 1, replication: 1, configuration: broker.configuration(), timeout: .seconds(30), logger: quiet)
    let neighbour = WorkspaceID.made(at: Date())
    var creation = store.command(
      .createWorkspace(
        WorkspaceSettings(
          slug: "neighbour", name: "Neighbour", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://n.example/")))
    creation.workspace = neighbour
    creation.resource = neighbour.resource
    let held = ResourceID.made(at: Date())
    _ = try await store.process().execute([creation, store.createUser("held@example.com", on: held)])
    var other = store.createUser("neighbour@example.com")
    other.workspace = neighbour
    let received = try [store.command(.deleteUser, on: held), other].map { try ReceivedCommand(message($0)) }

    // Another transaction holds a lock on the user's row.
    let lockPool = store.process().pool
    let process = store.process(bound: .seconds(30), statementTimeout: .milliseconds(500))
    let processor = CommandProcessor(transaction: process.transaction, deadLetters: deadLetters, logger: quiet)
    let replies = try await lockPool.transaction { transaction in
      _ = try await transaction.query(Statement(once: "hold", "select 1 from identity.users where id = '\(held)' for update"))
      return try await processor.process(received, writeSet: WriteSet(of: received.map(\.read))) {}
    }
    #expect(replies.map(\.outcome.status) == [500, 201])
    #expect(try await store.count("select count(*) from identity.users where id = '\(held)'") == 1)
    await lockPool.close()
    await producer.close()
    #expect(try await first(on: deadLetters.topic, of: broker)?.value == received[0].message.value)
  }

  @Test("Only changed members of a group are written, and published in events of at most a thousand")
  func members() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let users = (0..<2500).map { _ in ResourceID.made(at: Date()) }
    let created = try await process.execute(users.enumerated().map { store.createUser("user-\($0)@example.com", on: $1) })
    #expect(created.allSatisfy { $0.outcome.status == 201 })
    let group = ResourceID.made(at: Date())
    let fixture = Fixture()
    #expect(
      try await process.execute([store.command(.createGroup(document: fixture.group("Everybody", members: users)), on: group)])
        .map(\.outcome.status) == [201])
    #expect(try await store.count("select count(*) from identity.memberships") == 2500)
    #expect(try await events(of: group, in: store) == 3)
    let oldest = try await store.count("select min(xmin::text::bigint) from identity.memberships")

    // A PUT without one member removes that member, and leaves the rows of the others untouched.
    let without = store.command(.replaceGroup(document: fixture.group("Everybody", members: Array(users.dropFirst()))), on: group)
    #expect(try await process.execute([without]).map(\.outcome.status) == [200])
    #expect(try await store.count("select count(*) from identity.memberships") == 2499)
    #expect(try await store.count("select max(xmin::text::bigint) from identity.memberships") == oldest)
    #expect(try await events(of: group, in: store) == 4)

    // Repeating the request changes nothing.
    let again = store.command(.replaceGroup(document: fixture.group("Everybody", members: Array(users.dropFirst()))), on: group)
    #expect(try await process.execute([again]).map(\.outcome.status) == [200])
    #expect(try await events(of: group, in: store) == 4)
  }

  private func events(of group: ResourceID, in store: StoreDatabase) async throws -> Int {
    try await store.count("select count(*) from identity.outbox where '\(group)' = any (headers)")
  }

  private func first(on topic: Topic, of broker: KafkaBroker) async throws -> Message? {
    let consumer = try Consumer(
      broker.configuration(), ConsumerConfiguration(group: "reader of \(topic.name)", instance: "reader", topics: [topic]), logger: quiet)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await consumer.run() }
      defer { group.cancelAll() }
      var batches = consumer.batches.makeAsyncIterator()
      return try await batches.next()?.messages.first
    }
  }

  /// The message of a command as the consumer receives it.
  private func message(_ command: Command) throws -> Message {
    let event = try command.cloudEvent(source: "test")
    return Message(
      topic: Topic.identityCommands.name, partition: 0, offset: 0, timestamp: nil, key: Array(event.subject.utf8),
      headers: event.headers, value: event.data)
  }
}
