import Kafka
import Logging
import ServiceLifecycle

/// Takes batches from the topics, carries each out, and then commits its offsets.
struct EventConsumer: Service {
  let consumer: Consumer
  let handler: BatchProcessor
  let logger: Logger

  func run() async throws {
    for try await batch in consumer.batches {
      do {
        try await handler.handle(batch.messages)
      } catch is CancellationError {
        // Shut down while something that it needs is away: the batch is read again after the start.
        return
      }
      do {
        try await consumer.commit(batch)
      } catch {
        // Everything is idempotent: should the messages come again, they change nothing.
        logger.warning("offsets not committed", metadata: ["error": "\(error)"])
      }
    }
  }
}
