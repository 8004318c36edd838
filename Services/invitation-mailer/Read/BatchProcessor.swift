import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres

/// Carries a batch of messages out: what it changes here in one transaction, what it asks of identity-store in one send.
struct BatchProcessor: Sendable {
  let store: EventStore
  let signIns: SignInStore
  let promoter: Promoter
  let deadLetters: DeadLetters
  let patience: RetryPolicy
  let logger: Logger
  /// Called when a part of a batch is done.
  let completed: @Sendable () -> Void
  /// Called when there may be something to send.
  let changed: @Sendable () -> Void

  private let failed = Counter(label: "rollcall_mailer_invitations_failed_total")
  private let buried = Counter(label: "rollcall_mailer_dead_letters_total")
  private let skipped = Counter(label: "rollcall_mailer_sign_ins_of_active_total")

  init(
    store: EventStore, promoter: Promoter, deadLetters: DeadLetters, logger: Logger, completed: @escaping @Sendable () -> Void = {},
    changed: @escaping @Sendable () -> Void
  ) {
    self.store = store
    signIns = SignInStore(pool: store.pool)
    self.promoter = promoter
    self.deadLetters = deadLetters
    patience = RetryPolicy(logger: logger)
    self.logger = logger
    self.completed = completed
    self.changed = changed
  }

  /// Returns when all is stored and sent; the offsets may be committed then. Safe to call again with the same messages.
  ///
  /// - Throws: `CancellationError` at shutdown, while PostgreSQL or Kafka is away; an error that waiting does not mend.
  func handle(_ messages: [Message]) async throws {
    let batch = ReadBatch(messages)
    for (message, error) in batch.unreadable { try await bury(message, error: "\(error)", attempts: 1) }
    if !batch.changes.isEmpty { try await store(batch.changes) }
    if !batch.reports.isEmpty { try await take(batch.reports) }
    if !batch.signIns.isEmpty { try await promote(batch.signIns) }
  }

  private func promote(_ received: [ReceivedSignIn]) async throws {
    let asking = try await patience.untilItPasses("looking up who signed in") { try await signIns.toPromote(received) }
    skipped.increment(by: received.count - asking.count)
    try await ask(asking.map(\.promotion))
    completed()
  }

  private func ask(_ commands: [Command]) async throws {
    guard !commands.isEmpty else { return }
    do {
      try await patience.untilItPasses("asking for promotions") { try await promoter.ask(commands) }
    } catch let error as KafkaError where error.isAboutMessage {
      // One that the broker rejects keeps no other from being sent; which one it is shows when each is sent alone.
      guard commands.count > 1 else { return try await bury(promoter.message(for: commands[0]), error: error) }
      for command in commands { try await ask([command]) }
    }
  }

  /// A command that the broker rejects, as if it had been read from its topic.
  private func bury(_ message: OutgoingMessage, error: KafkaError) async throws {
    try await bury(
      Message(
        topic: message.topic, partition: -1, offset: -1, timestamp: nil, key: message.key, headers: message.headers, value: message.value),
      error: "\(error)", attempts: 1)
  }

  private func store(_ changes: [ReceivedChange]) async throws {
    do {
      let decided = try await patience.untilItPasses("storing events") { try await store.apply(changes, at: .now) }
      report(decided.invitations)
      changed()
      completed()
      try await ask(decided.promotions.map(\.command))
    } catch let error as PostgresError where error.isAboutData || error.isAboutSize {
      guard changes.count > 1 else { return try await bury(changes[0].message, error: "\(error)", attempts: 1) }
      logger.error("events not stored; they are stored one by one", metadata: ["error": "\(error)", "events": "\(changes.count)"])
      for change in changes { try await store([change]) }
    }
  }

  private func take(_ reports: [ReceivedReport]) async throws {
    do {
      try await patience.untilItPasses("storing reports") { try await store.apply(reports.map(\.report), at: .now) }
      changed()
      completed()
    } catch let error as PostgresError where error.isAboutData || error.isAboutSize {
      guard reports.count > 1 else { return try await bury(reports[0].message, error: "\(error)", attempts: 1) }
      for report in reports { try await take([report]) }
    }
  }

  private func report(_ made: [NewInvitation]) {
    for group in UnsendableInvitations.groups(of: made) {
      failed.increment(by: group.users.count)
      logger.warning("invitations not sent: \(group.reason)", metadata: group.metadata)
    }
  }

  private func bury(_ message: Message, error: String, attempts: Int) async throws {
    buried.increment()
    logger.error(
      "message cannot be handled; it goes to the dead letters",
      metadata: [
        "error": "\(error)", "topic": "\(message.topic)", "partition": "\(message.partition)", "offset": "\(message.offset)",
      ])
    try await deadLetters.send(message, error: error, attempts: attempts)
    completed()
  }
}
