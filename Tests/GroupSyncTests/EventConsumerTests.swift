import Foundation
import Kafka
import Logging
import Migrations
import Models
import Outbox
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import GroupSync

@Suite("The event consumer")
struct EventConsumerTests {
  @Test("dead-letters events that it cannot apply, waits while PostgreSQL is unavailable, and continues")
  func failures() async throws {
    let broker = try await KafkaBroker.start()
    let server = try await PostgresServer.start()
    let kafka = broker.configuration()
    let store = try await DirectoryDatabase.start(on: server)

    let producer = try Producer(kafka, logger: quiet)
    let deadLetters = DeadLetters(
      consumer: "group-sync", producer: producer, table: DeadLetterTable("directory.dead_letters", pool: store.pool), logger: quiet)
    try await TopicAdministration.ensure(
      [.identityEvents, .directoryEvents, deadLetters.topic], partitions: 2, replication: 1, configuration: kafka, logger: quiet)
    let consumer = try Consumer(
      kafka, ConsumerConfiguration(group: "group-sync", instance: "group-sync-0", topics: [.identityEvents]), logger: quiet)
    let relay = OutboxRelay(pool: store.pool, table: "directory.outbox", producer: producer, logger: quiet)
    let eventConsumer = EventConsumer(
      consumer: consumer, transaction: DirectoryTransaction(pool: store.pool, writer: DirectoryWriter(source: "group-sync/0")),
      deadLetters: deadLetters, relay: relay, logger: quiet)
    let published = try Listener(to: .directoryEvents, kafka)
    let rejected = try Listener(to: deadLetters.topic, kafka)

    try await running([store.pool, producer, relay, consumer, eventConsumer, published.consumer, published, rejected.consumer, rejected]) {
      let (ana, ben, team, other) = (Fixture.user(1), Fixture.user(2), Fixture.group(1), Fixture.group(2))

      // An unreadable message, and an event that PostgreSQL cannot store, among valid ones.
      try await producer.send(contentsOf: [
        try DirectoryDatabase.message(Fixture.groupEvent(team, .created, version: 1, adding: [ana, ben])),
        OutgoingMessage(topic: Topic.identityEvents.name, key: Array("x".utf8), value: Array("{".utf8)),
        try DirectoryDatabase.message(Fixture.groupEvent(other, .created, version: 1, name: "no\u{0}name")),
        try DirectoryDatabase.message(Fixture.userEvent(ana, .created, .active, version: 1)),
      ])
      try await eventually("Ana in the group") { try await store.visibleMembers() == [team: [ana]] }
      try await eventually("two dead letters") { await rejected.messages.count == 2 }
      #expect(await rejected.messages.allSatisfy { $0.header(DeadLetters.Header.error)?.isEmpty == false })

      try await server.kill()
      try await producer.send(try DirectoryDatabase.message(Fixture.userEvent(ben, .created, .active, version: 1)))
      try await server.start()
      try await eventually("Ben in the group") { (try? await store.visibleMembers()) == [team: [ana, ben]] }

      try await eventually("the published events") {
        try await published.changes() == [
          PublishedChange(.groupCreated, in: team), PublishedChange(.memberActivated, ana),
          PublishedChange(.groupMemberAdded, ana, in: team), PublishedChange(.memberActivated, ben),
          PublishedChange(.groupMemberAdded, ben, in: team),
        ]
      }
    }
  }
}

/// A service that collects the messages of a topic.
private actor Listener: Service {
  nonisolated let consumer: Consumer
  private(set) var messages: [Message] = []

  init(to topic: Topic, _ kafka: KafkaConfiguration) throws {
    consumer = try Consumer(
      kafka, ConsumerConfiguration(group: "test-\(topic.name)", instance: "test-\(topic.name)", topics: [topic]), logger: quiet)
  }

  func run() async throws {
    for try await batch in consumer.batches { messages += batch.messages }
  }

  /// The published changes.
  func changes() throws -> Set<PublishedChange> {
    Set(
      try messages.map { message in
        let event = try DirectoryEvent(message.cloudEvent())
        return PublishedChange(event.type, event.member?.id, in: event.group?.id)
      })
  }
}
