import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import ServiceKit
import ServiceLifecycle
import Tracing

/// Consumes identity events in batches, applies each batch to the directory in one transaction, and commits its offsets.
struct EventConsumer: Service {
  let consumer: Consumer
  private let transaction: DirectoryTransaction
  private let batches: BatchProcessor

  private let processed = Counter(label: "rollcall_sync_events_total")
  private let duration = Timer(label: "rollcall_sync_batch_seconds")
  private let size = Recorder(label: "rollcall_sync_batch_events")

  init(consumer: Consumer, transaction: DirectoryTransaction, deadLetters: DeadLetters, relay: OutboxRelay, logger: Logger) {
    self.consumer = consumer
    var transaction = transaction
    transaction.relay = relay
    self.transaction = transaction
    batches = BatchProcessor(
      deadLetters: deadLetters,
      retryPolicy: RetryPolicy(firstDelay: .milliseconds(20), maximumDelay: .seconds(2), logger: logger),
      counters: .init(
        retries: Counter(label: "rollcall_sync_batch_retries_total"), rejected: Counter(label: "rollcall_sync_poisoned_events_total")),
      logger: logger, onProgress: consumer.noteProgress)
  }

  func run() async throws {
    try await consumer.processBatches { batch in
      let events = try await batches.parse(batch.messages) { try ReceivedEvent($0) }
      if !events.isEmpty {
        let start = ContinuousClock.now
        try await ConsumerSpans.processBatch(events.compactMap(\.span), of: events.count, group: "group-sync") {
          _ = try await batches.process(events, with: transaction)
        }
        processed.increment(by: events.count)
        size.record(events.count)
        duration.record(duration: ContinuousClock.now - start)
      }
    }
  }
}

/// A parsed event with the Kafka message that carried it.
struct ReceivedEvent: Sendable {
  let event: IdentityEvent
  /// The W3C trace context, which the directory events that follow from this event inherit.
  let traceparent: String?
  /// The message of the event, for the dead letters.
  let message: Message
  /// The span of the event; nil if its trace is not sampled.
  let span: (any Span)?

  init(_ message: Message) throws(MessageError) {
    let event = try message.cloudEvent()
    self.event = try IdentityEvent(event)
    span = ConsumerSpans.start(for: message, traceparent: event.traceparent, group: "group-sync")
    traceparent = span?.trace?.traceparent ?? event.traceparent
    self.message = message
  }
}
