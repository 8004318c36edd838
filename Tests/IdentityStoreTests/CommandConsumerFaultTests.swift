import Foundation
import Kafka
import Models
import Outbox
import Postgres
import ProvisioningLog
import ServiceLifecycle
import TestSupport
import Testing

@testable import IdentityStore

@Suite("The consumers of identity-store, with a failure at each boundary", .timeLimit(.minutes(10)))
struct CommandConsumerFaultTests {
  private static let topic = Topic(name: "input", retention: 3600)

  @Test("Command processing continues after each failure, or the process ends", arguments: ConsumerFault.allCases)
  func commands(_ fault: ConsumerFault) async throws {
    let store = try await StoreDatabase.start()
    let cluster = try MockCluster()
    let kafka = cluster.configuration()
    for name in [Self.topic.name, Topic.identityReplies.name, "commands.dead-letters"] { cluster.create(topic: name, partitions: 1) }
    var before = store.createUser("before@example.com")
    if fault.produces { before.replyTo = ReplyAddress(partition: 0, correlationID: "one") }
    let poison: [OutgoingMessage] = fault.hasUnreadableMessage ? [Self.poison] : []
    let after = try message(store.createUser("after@example.com"))
    try await send([try message(before)] + poison + [after], kafka)

    let process = store.process()
    let owner = store.process().pool
    try await fault.inject(
      into: cluster, table: "identity.users", refusing: "before@example.com", deadLetters: "identity.dead_letters", owner: owner)
    let producer = try Producer(kafka, logger: quiet)
    let consumer = try Consumer(kafka, ConsumerConfiguration(group: "commands", instance: "0", topics: [Self.topic]), logger: quiet)
    let deadLetters = DeadLetters("commands", producer, in: store)
    let consumerService = CommandConsumer(
      consumer: consumer, processor: CommandProcessor(transaction: process.transaction, deadLetters: deadLetters, logger: quiet),
      maximumBulks: 2,
      replies: ReplyPublisher(producer: producer, source: "identity-store/0", logger: quiet),
      logger: quiet)
    let outcome = try await consumerOutcome(of: [process.pool, producer, consumer, consumerService], logger: quiet) {
      guard !fault.endsProcess else { return false }
      return try await store.count("select count(*) from identity.users where user_name = 'after@example.com'") == 1
    }
    #expect(outcome.hasEnded == fault.endsProcess)
    if fault == .deadLetterIsTooLarge {
      #expect(
        try await store.text("select convert_from(payload, 'UTF8') || ' ' || size from identity.dead_letters") == "no command 10")
    }
    await owner.close()
  }

  @Test(
    "Processing of provisioning log entries continues after each failure, or the process ends",
    arguments: ConsumerFault.allCases.filter { !$0.produces })
  func log(_ fault: ConsumerFault) async throws {
    let store = try await StoreDatabase.start()
    let cluster = try MockCluster()
    let kafka = cluster.configuration()
    for name in [Self.topic.name, "log.dead-letters"] { cluster.create(topic: name, partitions: 1) }
    let entries = (0..<2).map { _ in
      LogEntry(
        id: .made(at: .now), workspace: store.workspace, at: .now, method: "POST", path: "/api/v2/scim/Users", status: 201, milliseconds: 1)
    }
    let messages = entries.map { OutgoingMessage($0.cloudEvent(source: "test"), topic: Self.topic, key: "\($0.workspace)") }
    let poison: [OutgoingMessage] = fault.hasUnreadableMessage ? [Self.poison] : []
    try await send([messages[0]] + poison + [messages[1]], kafka)

    let pool = store.process().pool
    let owner = store.process().pool
    try await fault.inject(
      into: cluster, table: "identity.provisioning_log", refusing: "\(entries[0].id)", deadLetters: "identity.dead_letters", owner: owner)
    let producer = try Producer(kafka, logger: quiet)
    let consumer = try Consumer(kafka, ConsumerConfiguration(group: "log", instance: "0", topics: [Self.topic]), logger: quiet)
    let consumerService = LogConsumer(
      consumer: consumer, writer: LogWriter(pool: pool), partitions: LogPartitions(pool: pool, days: 30, logger: quiet),
      deadLetters: DeadLetters("log", producer, in: store), logger: quiet)
    let last = entries[1].id
    let outcome = try await consumerOutcome(of: [pool, producer, consumer, consumerService], logger: quiet) {
      guard !fault.endsProcess else { return false }
      return try await store.count("select count(*) from identity.provisioning_log where id = '\(last)'") == 1
    }
    #expect(outcome.hasEnded == fault.endsProcess)
    if fault == .deadLetterIsTooLarge { #expect(try await store.count("select count(*) from identity.dead_letters") == 1) }
    await owner.close()
  }

  @Test("A reply that is too large for its topic is replaced by a notice that it is recorded, and the others are sent")
  func largeReply() async throws {
    let broker = try await KafkaBroker.shared()
    let kafka = broker.configuration()
    let replies = Topic.identityReplies
    try await TopicAdministration.ensure([replies], partitions: 1, replication: 1, configuration: kafka, logger: quiet)
    let producer = try Producer(kafka, logger: quiet)
    let publisher = ReplyPublisher(producer: producer, source: "identity-store/0", logger: quiet)
    let large = StoredResource(id: .made(at: .now), version: 1, modifiedAt: .now, document: Array(repeating: 0x20, count: 17 << 20))
    let store = try await StoreDatabase.start()
    let answered = try [Reply.Outcome.resource(large, created: true), .done].map { outcome in
      var command = store.createUser("reply@example.com")
      command.replyTo = ReplyAddress(partition: 0, correlationID: "\(UUID())")
      let event = try command.cloudEvent(source: "scim-api/0")
      let received = try ReceivedCommand(
        Message(topic: "commands", partition: 0, offset: 0, timestamp: nil, key: nil, headers: event.headers, value: event.data))
      return (received, Reply(command: command.id, outcome: outcome))
    }
    await publisher.publish(answered)
    await producer.close()
    let types = try await TopicReader(kafka, logger: quiet).messages(on: replies.name) { message in
      message.header("ce_correlationid").map { ($0, message.header("ce_type") ?? "") }
    }
    let byID = Dictionary(types) { _, last in last }
    #expect(byID[answered[0].0.read.command.replyTo?.correlationID ?? ""] == Reply.recordedType)
    #expect(byID[answered[1].0.read.command.replyTo?.correlationID ?? ""] == Reply.type)
  }

  private static let poison = OutgoingMessage(topic: topic.name, key: nil, value: Array("no command".utf8))

  private func message(_ command: Command) throws -> OutgoingMessage {
    OutgoingMessage(try command.cloudEvent(source: "test"), topic: Self.topic, key: "key")
  }

  private func send(_ messages: [OutgoingMessage], _ kafka: KafkaConfiguration) async throws {
    let producer = try Producer(kafka, logger: quiet)
    try await producer.send(contentsOf: messages)
    await producer.close()
  }
}
