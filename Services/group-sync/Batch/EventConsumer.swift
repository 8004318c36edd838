import Kafka
import Logging
import Models
import Outbox
import ServiceLifecycle

/// Takes batches of events from the topic through decision, commit and offset, one after the other.
struct EventConsumer: Service {
  let consumer: Consumer
  let runner: BatchProcessor
  let relay: OutboxRelay
  let deadLetters: DeadLetters
  let logger: Logger

  func run() async throws {
    do {
      for try await batch in consumer.batches {
        try await runner.run(try await read(batch))
        relay.wake()
        await commit(batch)
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      // The batch in hand could not be finished in time; it was not committed, and comes again at the next start.
      logger.notice("stopped with a batch in hand; it is read again at the next start")
    }
  }

  private func commit(_ batch: Batch) async {
    do {
      try await consumer.commit(batch)
    } catch {
      // The directory has the events: should they come again, they are not newer and change nothing.
      logger.warning("offsets not committed", metadata: ["error": "\(error)"])
    }
  }

  /// The events of a batch; what is none goes to the dead letters.
  private func read(_ batch: Batch) async throws -> [ReceivedEvent] {
    var events: [ReceivedEvent] = []
    events.reserveCapacity(batch.messages.count)
    for message in batch.messages {
      do {
        events.append(try ReceivedEvent(message))
      } catch {
        logger.error(
          "message is no event; it goes to the dead letters",
          metadata: ["error": "\(error)", "partition": "\(message.partition)", "offset": "\(message.offset)"])
        try await deadLetters.send(message, error: "\(error)", attempts: 1)
      }
    }
    return events
  }
}
