import Foundation
import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import ProvisioningLog
import ServiceLifecycle

/// Consumes entries of the provisioning log and writes them to its table, on its own database connection so that commands are not delayed.
struct LogConsumer: Service {
  let consumer: Consumer
  let partitions: LogPartitions
  private let operation: LogInsertion
  private let batches: BatchProcessor

  private let dropped = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "late")])

  init(consumer: Consumer, writer: LogWriter, partitions: LogPartitions, deadLetters: DeadLetters, logger: Logger) {
    self.consumer = consumer
    self.partitions = partitions
    operation = LogInsertion(writer: writer, partitions: partitions)
    batches = BatchProcessor(
      deadLetters: deadLetters,
      retryPolicy: RetryPolicy(firstDelay: .milliseconds(20), maximumDelay: .milliseconds(500), logger: logger), logger: logger,
      onProgress: consumer.noteProgress)
  }

  func run() async throws {
    try await consumer.processBatches { batch in
      let now = Date.now
      let entries = try await batches.parse(batch.messages) { message -> ReceivedLogEntry? in
        let entry = try LogEntry(try message.cloudEvent())
        guard partitions.covers(entry.at, at: now) else {
          dropped.increment()
          return nil
        }
        return ReceivedLogEntry(entry: entry, message: message)
      }
      _ = try await batches.process(entries, with: operation)
    }
  }
}

/// A provisioning log entry with the Kafka message that carried it.
struct ReceivedLogEntry: Sendable {
  let entry: LogEntry
  /// The message of the entry, for the dead letters.
  let message: Message
}

/// Inserts a batch of entries into the table of the provisioning log.
private struct LogInsertion: BatchOperation {
  let writer: LogWriter
  let partitions: LogPartitions

  private let written = Counter(label: "rollcall_log_entries_total")

  init(writer: LogWriter, partitions: LogPartitions) {
    self.writer = writer
    self.partitions = partitions
  }

  var description: String { "writing entries of the provisioning log" }

  func process(_ entries: [ReceivedLogEntry]) async throws -> [Void] {
    do {
      try await writer.write(entries.map(\.entry))
    } catch let error as PostgresError where error.sqlState == Self.checkViolation {
      // No partition exists for a row: PostgreSQL reports a check violation. Create the missing days and retry once.
      try await partitions.maintain()
      try await writer.write(entries.map(\.entry))
    }
    written.increment(by: entries.count)
    return entries.map { _ in }
  }

  private static let checkViolation = "23514"

  func message(of entry: ReceivedLogEntry) -> Message { entry.message }
}
