import Foundation
import Kafka
import Models
import Outbox
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("The event consumer of the mailer, with a failure at each boundary", .timeLimit(.minutes(10)))
struct LoopFaultTests {
  @Test("Events and sign-ins continue after each failure, or the process ends", arguments: ConsumerFault.allCases)
  func events(_ fault: ConsumerFault) async throws {
    let server = try await PostgresServer.shared()
    let database = try await MailerDatabase.start(on: server)
    let owner = try await database.owner()
    let cluster = try MockCluster()
    let kafka = cluster.configuration()
    for topic in [Topic.identityEvents, .signInEvents, .identityCommands, .deadLetters(of: "invitation-mailer")] {
      cluster.create(topic: topic.name, partitions: 1)
    }
    let sender = try Producer(kafka, logger: .silent)
    var messages = [try outgoing(.user(.ana, .created, .invited, version: 1))]
    if fault.hasUnreadableMessage {
      messages.append(OutgoingMessage(topic: Topic.identityEvents.name, key: nil, value: Array("no event".utf8)))
    }
    if fault.produces { messages.append(OutgoingMessage(try SignIn.sample().event(), topic: .signInEvents, key: "ana")) }
    messages.append(try outgoing(.user(.ben, .created, .invited, version: 1, email: "ben@example.com")))
    try await sender.send(contentsOf: messages)
    await sender.close()

    try await fault.inject(
      into: cluster, table: "mailer.users", refusing: "\(UserID.ana)", deadLetters: "mailer.dead_letters", owner: owner)
    let producer = try Producer(kafka, logger: .silent)
    let consumer = try Consumer(
      kafka, ConsumerConfiguration(group: "invitation-mailer", instance: "0", topics: [.identityEvents, .signInEvents]), logger: .silent)
    let processor = EventProcessor(
      store: database.events, promoter: Promoter(producer: producer, source: "invitation-mailer/0"),
      deadLetters: DeadLetters(database, producer), logger: .silent)
    let loop = EventConsumer(consumer: consumer, processor: processor)
    let reader = TopicReader(kafka, logger: .silent)
    let ben = Statement("ben", "select 1 from mailer.users where user_id = $1")
    let outcome = try await consumerOutcome(of: [database.pool, producer, consumer, loop], logger: .silent) {
      guard !fault.endsProcess else { return false }
      guard try await !owner.query(ben, [.uuid(UserID.ben.uuid)]).isEmpty else { return false }
      return switch fault {
      case .produceFailsForAWhile: try await !reader.messages(on: Topic.identityCommands.name) { $0 }.isEmpty
      case .produceIsTooLarge: try await !reader.messages(on: Topic.deadLetters(of: "invitation-mailer").name) { $0 }.isEmpty
      default: true
      }
    }
    #expect(outcome.hasEnded == fault.endsProcess)
    if fault == .deadLetterIsTooLarge {
      #expect(try await owner.query(Statement(once: "letters", "select count(*) from mailer.dead_letters")).first?.int(0) == 1)
    }
    await owner.close()
  }

  private func outgoing(_ event: IdentityEvent) throws -> OutgoingMessage {
    OutgoingMessage(
      try event.cloudEvent(id: event.identity, source: "identity-store/0", time: .sample, traceparent: nil), topic: .identityEvents,
      key: "key")
  }
}
