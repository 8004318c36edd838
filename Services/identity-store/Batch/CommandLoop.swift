import Kafka
import Logging
import Models
import ServiceLifecycle

/// Takes batches of commands from the topic through decision, commit, reply and offset, two in flight.
///
/// The next batch is loaded and decided while the last one is written and committed. Where it touches something that the last
/// one does, it waits. Replies and offsets go out in the order of the batches.
struct CommandLoop: Service {
  let consumer: Consumer
  let runner: BatchRunner
  let replies: ReplyPublisher
  let relay: OutboxRelay
  let deadLetters: DeadLetters
  let logger: Logger

  func run() async throws {
    try await withThrowingDiscardingTaskGroup { group in
      var last: InFlight?
      var batches = consumer.batches.makeAsyncIterator()
      while true {
        // The next batch grows until it is asked for. No third one: the last one's predecessor has to be done by then.
        await last?.decided.pass()
        await last?.previous?.pass()
        guard let batch = try await batches.next() else { break }
        let commands = try await read(batch)
        let touches = Touches(of: commands.lazy.map(\.read))
        if let last, last.touches.overlaps(touches) { await last.finished.pass() }
        try Task.checkCancellation()
        let current = InFlight(touches: touches, previous: last?.finished)
        group.addTask { try await carry(batch, commands, current) }
        last = current
      }
      await last?.finished.pass()
    }
  }

  /// A batch between its begin and its end.
  private struct InFlight: Sendable {
    let touches: Touches
    let previous: Gate?
    let decided = Gate()
    let finished = Gate()
  }

  private func carry(_ batch: Batch, _ commands: [ReceivedCommand], _ turn: InFlight) async throws {
    defer {
      turn.decided.open()
      turn.finished.open()
    }
    if !commands.isEmpty {
      let outcomes = try await runner.run(commands, touches: turn.touches) { turn.decided.open() }
      relay.wake()
      await turn.previous?.pass()
      await replies.publish(zip(commands, outcomes))
    } else {
      await turn.previous?.pass()
    }
    try Task.checkCancellation()
    do {
      try await consumer.commit(batch)
    } catch {
      // The commands are carried out and recorded: should they come again, they are answered from the record.
      logger.warning("offsets not committed", metadata: ["error": "\(error)"])
    }
  }

  /// The commands of a batch; what is none goes to the dead letters.
  private func read(_ batch: Batch) async throws -> [ReceivedCommand] {
    var commands: [ReceivedCommand] = []
    commands.reserveCapacity(batch.messages.count)
    for message in batch.messages {
      do {
        commands.append(try ReceivedCommand(message))
      } catch {
        logger.error(
          "message is no command; it goes to the dead letters",
          metadata: ["error": "\(error)", "partition": "\(message.partition)", "offset": "\(message.offset)"])
        try await deadLetters.send(message, error: "\(error)", attempts: 1)
      }
    }
    return commands
  }
}
