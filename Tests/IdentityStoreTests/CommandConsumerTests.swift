import Foundation
import Kafka
import Models
import Outbox
import Postgres
import Primitives
import ServiceLifecycle
import TestSupport
import Testing

@testable import IdentityStore

@Suite("The command consumer", .timeLimit(.minutes(10)))
struct CommandConsumerTests {
  private let topic = Topic(name: "commands-\(UUIDText.text(UUID()))", retention: 3600)

  @Test("A bulk request does not block other commands, and the next process resumes it after a shutdown, without losses")
  func bulkBesideBatches() async throws {
    let store = try await StoreDatabase.start()
    let broker = try await KafkaBroker.shared()
    let kafka = broker.configuration()
    try await TopicAdministration.ensure(
      [topic, .identityEvents], partitions: 1, replication: 1, configuration: kafka, timeout: .seconds(30), logger: quiet)
    let held = ResourceID.made(at: Date())
    _ = try await store.process().execute([store.createUser("held@example.com", on: held)])
    let bulk = Bulk(
      failOnErrors: nil,
      operations: [
        operation(.createUser(document: Fixture.user(#"{"userName":"first@example.com"}"#)), on: .made(at: Date())),
        operation(.replaceUser(document: Fixture.user(#"{"userName":"held@example.com","title":"Boss"}"#)), on: held),
      ]
        + (3...BulkRunner.maximumBatch).map {
          operation(.createUser(document: Fixture.user(#"{"userName":"bulk-\#($0)@example.com"}"#)), on: .made(at: Date()))
        }
        // Not part of the first transaction.
        + [operation(.createUser(document: Fixture.user(#"{"userName":"last@example.com"}"#)), on: .made(at: Date()))])

    let (locked, release) = (AsyncLatch(), AsyncLatch())
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        let pool = store.process().pool
        try await pool.transaction { transaction in
          let lock = Statement(once: "hold", "select 1 from identity.users where user_name = 'held@example.com' for update")
          _ = try await transaction.pipeline([(lock, [])])
          locked.open()
          await release.wait()
        }
        await pool.close()
      }
      await locked.wait()
      let (group, ending) = try process(of: store, kafka)
      tasks.addTask { try await group.run() }
      let producer = try Producer(kafka, logger: quiet)
      try await producer.send(contentsOf: [
        message(store.command(.bulk(bulk))), message(store.createUser("beside@example.com")),
      ])
      try await producer.send(contentsOf: (0..<20).map { try message(store.createUser("later-\($0)@example.com")) })
      await producer.close()
      try await eventually("the commands that are not blocked") {
        try await names(in: store, where: "user_name like 'later%' or user_name like 'beside%'") == 21
      }
      #expect(try await names(in: store, where: "user_name like 'first%' or user_name like 'last%'") == 0)
      await group.triggerGracefulShutdown()
      await ending.wait()
      release.open()
      try await tasks.waitForAll()
    }
    // The current transaction was finished, the next not started.
    #expect(try await names(in: store, where: "user_name like 'first%'") == 1)
    #expect(try await store.count("select version from identity.users where user_name = 'held@example.com'") == 2)
    #expect(try await names(in: store, where: "user_name like 'last%'") == 0)

    let (group, _) = try process(of: store, kafka)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await eventually("the rest of the bulk request") { try await names(in: store, where: "user_name like 'last%'") == 1 }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    #expect(try await names(in: store, where: "true") == 22 + BulkRunner.maximumBatch)
    #expect(try await store.count("select version from identity.users where user_name = 'held@example.com'") == 2)
    #expect(try await store.count("select count(*) from identity.replies") == 1 + 1 + BulkRunner.maximumBatch + 1 + 21)
  }

  @Test(
    "The events of a workspace are published in order: first those that a former process left, and those of bulk requests beside batches")
  func orderOfEvents() async throws {
    let store = try await StoreDatabase.start()
    let kafka = try await KafkaBroker.shared().configuration()
    try await TopicAdministration.ensure(
      [topic, .identityEvents], partitions: 3, replication: 1, configuration: kafka, timeout: .seconds(30), logger: quiet)
    let users = (0..<5).map { _ in ResourceID.made(at: Date()) }
    // This process ends before it publishes anything.
    _ = try await store.process().execute(users.enumerated().map { store.createUser("user-\($0)@example.com", on: $1) })
    func replacement(_ index: Int, _ title: String) -> Command.Operation {
      .replaceUser(document: Fixture.user(#"{"userName":"user-\#(index)@example.com","title":"\#(title)"}"#))
    }
    let (group, _) = try process(of: store, kafka)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let producer = try Producer(kafka, logger: quiet)
      for round in 0..<20 {
        let bulk = Bulk(failOnErrors: nil, operations: [operation(replacement(round % 5, "bulk \(round)"), on: users[round % 5])])
        try await producer.send(
          contentsOf: try [message(store.command(.bulk(bulk)))]
            + users.indices.map { try message(store.command(replacement($0, "title \(round)"), on: users[$0])) })
      }
      await producer.close()
      try await eventually("all changes") { try await store.count("select coalesce(sum(version), 0)::int8 from identity.users") == 125 }
      try await eventually("the outbox to be empty") { try await store.count("select count(*) from identity.outbox") == 0 }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    let workspace = store.workspace
    let events = try await TopicReader(kafka, logger: quiet).messages(on: Topic.identityEvents.name) { received -> Change? in
      guard received.header("ce_workspaceid") == workspace.description, let event = try? IdentityEvent(received.cloudEvent()),
        case .userChanged(let change) = event
      else { return nil }
      return Change(partition: received.partition, key: received.key ?? [], user: change.user.id, version: change.version)
    }
    #expect(Set(events.map(\.partition)).count == 1 && events.allSatisfy { $0.key == Array(workspace.description.utf8) })
    for user in users {
      var seen: Set<Int64> = []
      let versions = events.filter { $0.user.resource == user }.map(\.version).filter { seen.insert($0).inserted }
      #expect(versions == Array(1...25))
    }
  }

  private struct Change: Sendable {
    let partition: Int32
    let key: [UInt8]
    let user: UserID
    let version: Int64
  }

  /// A process of the store, and a latch that opens when it shuts down.
  private func process(of store: StoreDatabase, _ kafka: KafkaConfiguration) throws -> (ServiceGroup, ending: AsyncLatch) {
    let process = store.process()
    let producer = try Producer(kafka, logger: quiet)
    let consumer = try Consumer(
      kafka, ConsumerConfiguration(group: topic.name, instance: topic.name, topics: [topic]), logger: quiet)
    let deadLetters = DeadLetters(
      consumer: topic.name, producer: producer, table: DeadLetterTable("identity.dead_letters", pool: process.pool), logger: quiet)
    let relay = OutboxRelay(pool: process.pool, table: "identity.outbox", producer: producer, consumer: consumer, logger: quiet)
    var transaction = process.transaction
    transaction.relay = relay
    let commandConsumer = CommandConsumer(
      consumer: consumer, processor: CommandProcessor(transaction: transaction, deadLetters: deadLetters, logger: quiet),
      maximumBulks: 2,
      replies: ReplyPublisher(producer: producer, source: "identity-store/0", logger: quiet),
      logger: quiet)
    let ending = AsyncLatch()
    return (
      ServiceGroup(
        services: [process.pool, producer, relay, consumer, ShutdownSignal(service: commandConsumer, ending: ending)], logger: quiet),
      ending
    )
  }

  private func operation(_ write: Command.Operation, on resource: ResourceID) -> Bulk.Operation {
    Bulk.Operation(command: .made(at: Date()), resource: resource, action: .write(write))
  }

  private func message(_ command: Command) throws -> OutgoingMessage {
    OutgoingMessage(try command.cloudEvent(source: "test"), topic: topic, key: command.workspace.description)
  }

  private func names(in store: StoreDatabase, where condition: String) async throws -> Int {
    try await store.count("select count(*) from identity.users where \(condition)")
  }
}

/// A service that opens a latch at graceful shutdown.
private struct ShutdownSignal<Inner: Service>: Service {
  let service: Inner
  let ending: AsyncLatch

  func run() async throws {
    try await withGracefulShutdownHandler {
      try await service.run()
    } onGracefulShutdown: {
      ending.open()
    }
  }
}
