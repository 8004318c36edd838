import Foundation
import Kafka
import Migrations
import Models
import Outbox
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import GroupSync

@Suite("The event consumer of group-sync, with a failure at each boundary", .timeLimit(.minutes(10)))
struct EventConsumerFaultTests {
  @Test("continues after each failure, or ends the process", arguments: ConsumerFault.allCases.filter { !$0.produces })
  func events(_ fault: ConsumerFault) async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ url: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: url, connections: 1, statementTimeout: PostgresServer.testTimeout, applicationName: "test",
          maximumWait: PostgresServer.testTimeout),
        logger: quiet)
    }
    let (owner, own) = (pool(server.url(database: database)), pool(server.url(database: database, role: "group_sync")))
    let cluster = try MockCluster()
    let kafka = cluster.configuration()
    for name in [Topic.identityEvents.name, "group-sync.dead-letters"] { cluster.create(topic: name, partitions: 1) }
    let poison = OutgoingMessage(topic: Topic.identityEvents.name, key: nil, value: Array("no event".utf8))
    let (ana, ben) = (Fixture.user(1), Fixture.user(2))
    let sender = try Producer(kafka, logger: quiet)
    var messages = [try DirectoryDatabase.message(Fixture.userEvent(ana, .created, .active, version: 1))]
    if fault.hasUnreadableMessage { messages.append(poison) }
    messages.append(try DirectoryDatabase.message(Fixture.userEvent(ben, .created, .active, version: 1)))
    try await sender.send(contentsOf: messages)
    await sender.close()

    try await fault.inject(
      into: cluster, table: "directory.members", refusing: "\(ana)", deadLetters: "directory.dead_letters", owner: owner)
    let producer = try Producer(kafka, logger: quiet)
    let consumer = try Consumer(kafka, ConsumerConfiguration(group: "group-sync", instance: "0", topics: [.identityEvents]), logger: quiet)
    let deadLetters = DeadLetters(
      consumer: "group-sync", producer: producer, table: DeadLetterTable("directory.dead_letters", pool: own), logger: quiet)
    let eventConsumer = EventConsumer(
      consumer: consumer, transaction: DirectoryTransaction(pool: own, writer: DirectoryWriter(source: "group-sync/0")),
      deadLetters: deadLetters, relay: OutboxRelay(pool: own, table: "directory.outbox", producer: producer, logger: quiet),
      logger: quiet)
    let outcome = try await consumerOutcome(of: [own, producer, consumer, eventConsumer], logger: quiet) {
      guard !fault.endsProcess else { return false }
      return try await !owner.query(Statement("ben", "select 1 from directory.members where id = $1"), [.uuid(ben.uuid)]).isEmpty
    }
    #expect(outcome.hasEnded == fault.endsProcess)
    if fault == .deadLetterIsTooLarge {
      #expect(try await owner.query(Statement(once: "letters", "select count(*) from directory.dead_letters")).first?.int(0) == 1)
    }
    await owner.close()
  }
}
