import Kafka
import Logging
import Metrics
import Models
import Outbox
import ServiceKit
import ServiceLifecycle

/// Consumes batches of messages, processes each, and commits its offsets.
struct EventConsumer: Service {
  let consumer: Consumer
  let processor: EventProcessor

  func run() async throws {
    try await consumer.processBatches { batch in try await processor.process(batch.messages) }
  }
}

/// Processes batches of messages: identity events, sign-ins, and reports from the mail system. Changes are stored in one transaction, and the
/// promotions that follow are sent to identity-store.
struct EventProcessor: Sendable {
  private let events: EventOperation
  private let reports: ReportOperation
  private let signIns: SignInStore
  private let promoter: Promoter
  private let batches: BatchProcessor
  private let retryPolicy: RetryPolicy
  private let onProgress: @Sendable () -> Void

  private let skipped = Counter(label: "rollcall_mailer_sign_ins_of_active_total")

  /// - Parameters:
  ///   - onProgress: Called after each part of a batch.
  init(
    store: EventStore, promoter: Promoter, deadLetters: DeadLetters, logger: Logger, onProgress: @escaping @Sendable () -> Void = {}
  ) {
    let rejected = Counter(label: "rollcall_mailer_dead_letters_total")
    let retryPolicy = RetryPolicy(logger: logger)
    let batches = BatchProcessor(
      deadLetters: deadLetters, retryPolicy: retryPolicy, counters: .init(rejected: rejected, unreadable: rejected), logger: logger,
      onProgress: onProgress)
    self.batches = batches
    self.retryPolicy = retryPolicy
    self.promoter = promoter
    self.onProgress = onProgress
    signIns = SignInStore(pool: store.pool)
    events = EventOperation(store: store, logger: logger) { promotions in
      _ = try await batches.process(promotions, with: promoter)
    }
    reports = ReportOperation(store: store)
  }

  /// Returns when everything is stored and sent, so that the offsets may be committed. The same messages can be processed again.
  ///
  /// - Throws: `CancellationError` at shutdown while PostgreSQL or Kafka is unavailable; permanent errors.
  func process(_ messages: [Message]) async throws {
    let batch = ReadBatch(messages)
    try await ConsumerSpans.processBatch(batch.spans, of: messages.count, group: "invitation-mailer") { try await process(batch) }
  }

  private func process(_ batch: ReadBatch) async throws {
    for (message, error) in batch.unreadable { try await batches.rejectUnreadable(message, because: error) }
    _ = try await batches.process(batch.changes, with: events)
    _ = try await batches.process(batch.reports, with: reports)
    if !batch.signIns.isEmpty { try await promote(batch.signIns) }
  }

  /// Sends promotions for sign-ins, except for those of people who are known to be active.
  private func promote(_ received: [ReceivedSignIn]) async throws {
    let unpromoted = try await retryPolicy.run("looking up sign-ins") { try await signIns.toPromote(received) }
    skipped.increment(by: received.count - unpromoted.count)
    _ = try await batches.process(unpromoted.map(\.promotion), with: promoter)
    onProgress()
  }
}

/// Stores identity events. The output of the first event lists the promotions that the batch makes due.
private struct EventOperation: BatchOperation {
  let store: EventStore
  let logger: Logger
  let promote: @Sendable ([Command]) async throws -> Void

  private let failed = Counter(label: "rollcall_mailer_invitations_failed_total")

  init(store: EventStore, logger: Logger, promote: @escaping @Sendable ([Command]) async throws -> Void) {
    self.store = store
    self.logger = logger
    self.promote = promote
  }

  var description: String { "storing events" }

  func process(_ changes: [ReceivedChange]) async throws -> [[Command]] {
    let decided = try await store.apply(changes, at: .now)
    for group in UnsendableInvitations.groups(of: decided.invitations) {
      failed.increment(by: group.users.count)
      logger.warning("invitations not sent: \(group.reason)", metadata: group.metadata)
    }
    return changes.indices.map { $0 == 0 ? decided.promotions.map(\.command) : [] }
  }

  func didProcess(_ changes: [ReceivedChange], outputs promotions: [[Command]]) async throws {
    try await promote(promotions.flatMap(\.self))
  }

  func message(of change: ReceivedChange) -> Message { change.message }

  func output(ofRejected change: ReceivedChange, error: any Error) -> [Command] { [] }
}

/// Stores reports from the mail system.
private struct ReportOperation: BatchOperation {
  let store: EventStore

  var description: String { "storing reports" }

  func process(_ reports: [ReceivedReport]) async throws -> [Void] {
    try await store.apply(reports.map(\.report), at: .now)
    return reports.map { _ in }
  }

  func message(of report: ReceivedReport) -> Message { report.message }
}
