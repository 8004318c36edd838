import Foundation
import Kafka
import Logging
import MailTemplates
import Models
import Outbox
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("The mailer with a broker, a database and a mail server", .serialized, .timeLimit(.minutes(10)))
struct MailerTests {
  private let topics = [
    Topic.identityEvents, .signInEvents, .mailEvents, .identityCommands, .invitationEvents, .deadLetters(of: "invitation-mailer"),
  ]

  /// The services of the process, except the health server.
  private func services(
    _ database: MailerDatabase, _ broker: KafkaBroker, _ catcher: MailCatcher, producer: Producer
  ) throws -> [any Service] {
    let kafka = broker.configuration(clientID: "invitation-mailer-0")
    let consumer = try Consumer(
      kafka,
      ConsumerConfiguration(
        group: "invitation-mailer", instance: "invitation-mailer-0", topics: [.identityEvents, .signInEvents, .mailEvents]),
      logger: .silent)
    let relay = OutboxRelay(pool: database.pool, table: "mailer.outbox", producer: producer, logger: .silent)
    let queue = MailQueue()
    let sending = MailScheduler(
      pool: database.pool,
      sender: MailSender(
        store: InvitationStore(pool: database.pool, relay: relay), composer: try InvitationComposer(from: .rollcall),
        schedule: RetrySchedule(first: .milliseconds(100), longest: .seconds(1), giveUp: .seconds(60)), status: MailServerStatus(),
        logger: .silent),
      queue: queue, connections: [SMTPConnection(SMTPServer(url: catcher.url), name: "smtp")], logger: .silent)
    let processor = EventProcessor(
      store: EventStore(pool: database.pool, queue: queue, relay: relay),
      promoter: Promoter(producer: producer, source: "invitation-mailer/0"),
      deadLetters: DeadLetters(database, producer), logger: .silent)
    return [relay, sending, consumer, EventConsumer(consumer: consumer, processor: processor)]
  }

  /// Runs the mailer until `body` returns, then shuts it down gracefully.
  private func running(_ services: [any Service], _ body: () async throws -> Void) async throws {
    let group = ServiceGroup(configuration: .init(services: services.map { .init(service: $0) }, logger: .silent))
    try await withThrowingTaskGroup { tasks in
      tasks.addTask { try await group.run() }
      try await body()
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  /// The messages of `topic` from its beginning.
  private func read(
    _ topic: Topic, of broker: KafkaBroker, until isComplete: @Sendable ([Message]) -> Bool
  ) async throws -> [Message] {
    let consumer = try Consumer(
      broker.configuration(), ConsumerConfiguration(group: "test-\(UUID())", instance: "test", topics: [topic]), logger: .silent)
    return try await withThrowingTaskGroup { group in
      group.addTask { try await consumer.run() }
      defer { group.cancelAll() }
      var messages: [Message] = []
      for try await batch in consumer.batches {
        messages += batch.messages
        if isComplete(messages) { break }
      }
      return messages
    }
  }

  @Test func `Events become mails, sign-ins commands, and invalid messages dead letters; after a restart, nothing is repeated`()
    async throws
  {
    let (database, broker, catcher) = (try await MailerDatabase.start(), try await KafkaBroker.start(), try await MailCatcher())
    try await TopicAdministration.ensure(topics, partitions: 3, replication: 1, configuration: broker.configuration(), logger: .silent)
    let producer = try Producer(broker.configuration(), logger: .silent)
    func publish(_ events: IdentityEvent...) async throws {
      try await producer.send(
        contentsOf: try events.map { event in
          let message = try event.message()
          return OutgoingMessage(topic: message.topic, key: message.key, headers: message.headers, value: message.value)
        })
    }

    try await running(try services(database, broker, catcher, producer: producer)) {
      // The workspace's event arrives after the user's.
      try await publish(.user(.ana, .created, .invited, version: 1))
      try await eventually("Ana's invitation") { try await database.recorded(.ana).map(\.state) == ["scheduled"] }
      try await producer.send(OutgoingMessage(topic: Topic.identityEvents.name, key: nil, value: Array("nonsense".utf8)))
      try await publish(.workspace())
      try await eventually("Ana's mail") { try catcher.count() == 1 }
      let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      try await producer.send(OutgoingMessage(try SignIn.sample().event(traceparent: trace), topic: .signInEvents, key: "ana@example.com"))
      let commands = try await read(.identityCommands, of: broker) { !$0.isEmpty }
      let command = try Command(try #require(commands.first).cloudEvent())
      #expect(command.operation == .promoteUser(.sample()))
      #expect(command.traceparent == trace)
      #expect(commands.first?.key == Array(command.workspace.description.utf8))
    }

    // While the mailer is stopped, a redelivered event and a new one arrive.
    try await publish(.user(.ana, .created, .invited, version: 1), .user(.ben, .created, .invited, version: 1, email: "ben@example.com"))
    try await running(try services(database, broker, catcher, producer: producer)) {
      try await eventually("Ben's mail") { try catcher.count() == 2 }
      try await eventually("all events published") {
        let left = Statement("unpublished events", "select count(*) from mailer.outbox")
        guard try await database.recorded(.ben).map(\.state) == ["sent"] else { return false }
        return try await database.pool.query(left).first?.int(0) == 0
      }
    }
    #expect(try await catcher.mails().compactMap(\.recipient) == ["ana@example.com", "ben@example.com"])
    let deadLetters = try await read(.deadLetters(of: "invitation-mailer"), of: broker) { !$0.isEmpty }
    #expect(deadLetters.map(\.value) == [Array("nonsense".utf8)])
    #expect(deadLetters.first?.header("dead-letter-error")?.contains("specversion") == true)
    let published = try await read(.invitationEvents, of: broker) { $0.count >= 2 }.map { try InvitationEvent($0.cloudEvent()) }
    let ana = published.filter { $0.invitation == NewInvitation.id(of: .ana, version: 1) }
    // A mail is one event.
    #expect(ana.map(\.state) == [.sent])
    #expect(ana.last?.reason == "250 2.0.0 OK: kept")
    #expect(ana.allSatisfy { $0.user == .ana && $0.workspace == .acme })
    await producer.close()
  }

  @Test func `An event that the database rejects becomes a dead letter, and the others are applied`() async throws {
    let (database, broker) = (try await MailerDatabase.start(), try await KafkaBroker.start())
    try await TopicAdministration.ensure(topics, partitions: 1, replication: 1, configuration: broker.configuration(), logger: .silent)
    let producer = try Producer(broker.configuration(), logger: .silent)
    let processor = EventProcessor(
      store: database.events, promoter: Promoter(producer: producer, source: "invitation-mailer/0"),
      deadLetters: DeadLetters(database, producer), logger: .silent)
    try await processor.process([
      try IdentityEvent.user(.ana, .created, .invited, version: 1).message(),
      try IdentityEvent.user(.ben, .created, .invited, version: 1, givenName: "B\0n").message(),
      try IdentityEvent.workspace().message(),
    ])
    #expect(try await database.due(at: .now.addingTimeInterval(1)).map(\.user) == [.ana])
    let deadLetters = try await read(.deadLetters(of: "invitation-mailer"), of: broker) { !$0.isEmpty }
    #expect(deadLetters.count == 1)
    #expect(deadLetters.first?.header("dead-letter-error")?.contains("SQLSTATE 22021") == true)
    await producer.close()
  }
}
