import Foundation
import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import ProvisioningLog
import ServiceLifecycle

/// Takes batches of entries from the topic of the provisioning log into its table: a loop of its own, with a connection of its own, so that
/// no command waits for it.
struct LogConsumer: Service {
  let consumer: Consumer
  let writer: LogWriter
  let partitions: LogPartitions
  let deadLetters: DeadLetters
  let logger: Logger

  private let written = Counter(label: "rollcall_log_entries_total")
  private let late = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "late")])

  init(consumer: Consumer, writer: LogWriter, partitions: LogPartitions, deadLetters: DeadLetters, logger: Logger) {
    self.consumer = consumer
    self.writer = writer
    self.partitions = partitions
    self.deadLetters = deadLetters
    self.logger = logger
  }

  func run() async throws {
    do {
      for try await batch in consumer.batches {
        try await store(try await read(batch))
        do {
          try await consumer.commit(batch)
        } catch {
          // Entries that come again change nothing.
          logger.warning("offsets not committed", metadata: ["error": "\(error)"])
        }
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      logger.notice("stopped with a batch of the provisioning log in hand; it is read again at the next start")
    }
  }

  /// An entry with its message, for the dead letters.
  typealias Received = (entry: LogEntry, message: Message)

  private func read(_ batch: Batch) async throws -> [Received] {
    var received: [Received] = []
    received.reserveCapacity(batch.messages.count)
    let now = Date.now
    for message in batch.messages {
      do {
        let entry = try LogEntry(try message.cloudEvent())
        if partitions.holds(entry.at, at: now) { received.append((entry, message)) } else { late.increment() }
      } catch {
        try await bury(message, error)
      }
    }
    return received
  }

  /// Returns when all are written; waits out what ails the database.
  func store(_ received: [Received]) async throws {
    guard !received.isEmpty else { return }
    var attempt = 0
    while true {
      do {
        try await writer.write(received.map(\.entry))
        written.increment(by: received.count)
        return consumer.noteProgress()
      } catch let error as PostgresError where error.sqlState == Self.noPartition && attempt == 0 {
        // A day for which nobody has made one yet.
        attempt += 1
        try await partitions.maintain()
      } catch let error as PostgresError where error.isAboutData || error.isAboutSize || error.sqlState == Self.noPartition {
        guard received.count > 1 else { return try await bury(received[0].message, error) }
        for one in received { try await store([one]) }
        return
      } catch let error as PostgresError {
        attempt += 1
        logger.log(
          level: error.isTransient ? .warning : .error, "entries of the provisioning log not written, trying again",
          metadata: ["error": "\(error)", "attempt": "\(attempt)", "entries": "\(received.count)"])
        if Task.isShuttingDownGracefully { throw CancellationError() }
        try await Task.sleep(for: Retry.delay(beforeAttempt: attempt))
      }
    }
  }

  /// Check violation: PostgreSQL's answer where no partition takes a row.
  private static let noPartition = "23514"

  private func bury(_ message: Message, _ error: any Error) async throws {
    logger.error(
      "message is no entry of the provisioning log; it goes to the dead letters",
      metadata: ["error": "\(error)", "partition": "\(message.partition)", "offset": "\(message.offset)"])
    try await deadLetters.send(message, error: "\(error)", attempts: 1)
  }
}
