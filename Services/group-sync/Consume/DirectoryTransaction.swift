import Foundation
import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import ServiceKit
import Tracing

/// The database transaction of a batch: loads the affected part of the directory, decides each event, writes the outcome, and commits once.
struct DirectoryTransaction: BatchOperation {
  let pool: PostgresPool
  let loader = DirectoryLoader()
  let writer: DirectoryWriter
  /// Publishes what is committed; nil to leave it in the outbox.
  var relay: OutboxRelay?
  /// Delivers what is committed to webhook endpoints.
  var webhooks: WebhookDispatcher?
  private let pushToProduct = Timer(label: "rollcall_push_to_product_seconds", dimensions: [("way", "event-log")])

  init(pool: PostgresPool, writer: DirectoryWriter, relay: OutboxRelay? = nil, webhooks: WebhookDispatcher? = nil) {
    self.pool = pool
    self.writer = writer
    self.relay = relay
    self.webhooks = webhooks
  }

  var description: String { "batch" }

  /// Applies `events`, in order.
  ///
  /// - Throws: `PostgresError`. Nothing is written then, unless the error says that the outcome of the commit is unknown. In either case
  ///   the batch can be run again, since an event that is not newer changes nothing.
  func process(_ events: [ReceivedEvent]) async throws -> [Void] {
    let outputs: [Void] = events.map { _ in }
    try await storeWebhooks(events)
    let writeSet = WriteSet(of: events.lazy.map(\.event))
    guard !writeSet.isEmpty else { return outputs }
    let partitions = Dictionary(events.map { ($0.event.workspace, $0.message.partition) }) { first, _ in first }
    do {
      let stored = try await TraceContext.withSpan("store events", ofKind: .client, attributes: ["db.system.name": "postgresql"]) {
        try await pool.transaction { transaction in
          let directory = try await loader.load(writeSet, in: transaction)
          var decider = Decider(directory)
          for event in events { decider.decide(event.event, traceparent: event.traceparent) }
          let messages = try await writer.write(decider, partitions: partitions, relay: relay, andCommit: transaction)
          return StoredEvents(published: decider.published, messages: messages)
        }
      }
      for event in stored.published { pushToProduct.recordSeconds(max(0, -event.event.changedAt.timeIntervalSinceNow)) }
      webhooks?.commit(zip(stored.published, stored.messages).lazy.map { ($0, $1.value) })
    } catch let error as PostgresError where error.isOutcomeUnknown {
      webhooks?.noteUnknownCommit()
      throw error
    }
    return outputs
  }

  /// What a transaction has committed: the directory events and their messages.
  private struct StoredEvents {
    var published: [Decider.PublishedEvent]
    var messages: ArraySlice<OutgoingMessage>
  }

  /// Stores changes of webhook endpoints and orders about them, in a transaction of their own: they touch nothing that the others do.
  private func storeWebhooks(_ events: [ReceivedEvent]) async throws {
    let events = WebhookEventStore.events(in: events.lazy.map(\.event))
    guard !events.isEmpty else { return }
    defer { webhooks?.noteChanges() }
    try await WebhookEventStore(pool: pool).store(events)
  }

  /// A skipped event would leave the directory permanently wrong. Therefore only events that the database rejects, or that cannot be
  /// encoded or signed, go to the dead letters. All other failures are retried until they disappear or an operator repairs their cause.
  func action(after error: any Error, _ attempt: BatchAttempt) -> FailureAction {
    guard let error = error as? PostgresError else { return .divide }
    if error.isAboutData || error.isAboutSize || (error.isTimeout && attempt.items > 1) { return .divide }
    return error.isTransient ? .retry : .waitForRepair
  }

  func message(of event: ReceivedEvent) -> Message { event.message }

  func metadata(of event: ReceivedEvent) -> Logger.Metadata {
    ["event": "\(event.event.identity)", "workspace": "\(event.event.workspace)"]
  }
}
