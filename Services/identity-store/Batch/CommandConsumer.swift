import Kafka
import Logging
import Models
import Outbox
import ServiceLifecycle

/// Takes batches of commands from the topic through decision, commit, reply and offset, two in flight.
///
/// The next batch is loaded and decided while the last one is written and committed. Where it touches something that the last
/// one does, it waits. Replies and offsets go out in the order of the batches.
///
/// Bulks, each of which is many transactions, are carried out beside the batches, a few operations at a time, of each workspace one bulk
/// after the other: nobody waits for one but who asked for it. The offsets do; see ``OffsetTracker``.
struct CommandConsumer: Service {
  let consumer: Consumer
  let runner: BatchProcessor
  /// How many operations of bulks are carried out at once.
  let maximumBulks: Int
  let replies: ReplyPublisher
  let relay: OutboxRelay
  let deadLetters: DeadLetters
  let logger: Logger

  /// Runs until shutdown, or until any part of the loop fails. The parts are tasks of their own, and a task that fails does not by itself
  /// wake the one that waits for the next batch: so both are children of one group, which the first failure ends.
  func run() async throws {
    let (failures, failed) = AsyncThrowingStream<Never, any Error>.makeStream()
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { for try await _ in failures {} }
        group.addTask {
          defer { failed.finish() }
          try await consume { failed.finish(throwing: $0) }
        }
        while try await group.next() != nil {}
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      logger.notice("stopped with commands in hand; they are read again at the next start")
    }
  }

  /// - Parameter failed: is told why a part of the loop failed, at once.
  private func consume(failed: @escaping @Sendable (any Error) -> Void) async throws {
    let offsets = OffsetTracker(logger: logger) { [consumer] in try await consumer.commit($0) }
    try await withThrowingDiscardingTaskGroup { group in
      var last: ConcurrencyLimit?
      var number = 0
      // The bulks of a workspace are carried out one after the other; how many wait at all is bounded by those who ask.
      var lastBulks: [WorkspaceID: AsyncLatch] = [:]
      let slots = BulkSlots(maximumBulks)
      var batches = consumer.batches.makeAsyncIterator()
      while true {
        // The next batch grows until it is asked for. No third one: the last one's predecessor has to be done by then.
        await last?.decided.pass()
        await last?.previous?.pass()
        guard let batch = try await batches.next() else { break }
        let received = try await read(batch)
        let commands = received.filter { $0.bulk == nil }
        let touches = WriteSet(of: commands.lazy.map(\.read))
        if let last, last.touches.overlaps(touches) { await last.finished.pass() }
        try Task.checkCancellation()
        let current = ConcurrencyLimit(number: number, touches: touches, previous: last?.finished)
        let bulks = received.compactMap { command in command.bulk.map { (command, $0) } }
        await offsets.enter(batch, number: number, parts: 1 + bulks.count)
        for (command, bulk) in bulks {
          let workspace = command.read.command.workspace
          let (previous, finished) = (lastBulks[workspace], AsyncLatch())
          lastBulks[workspace] = finished
          group.addTask { [number] in
            defer { finished.open() }
            await previous?.pass()
            do {
              try await carry(bulk, command, of: number, offsets, in: slots)
            } catch {
              failed(error)
              throw error
            }
          }
        }
        group.addTask {
          do {
            try await carry(commands, current, offsets)
          } catch {
            failed(error)
            throw error
          }
        }
        last = current
        number += 1
      }
      await last?.finished.pass()
    }
  }

  /// A batch between its begin and its end.
  private struct ConcurrencyLimit: Sendable {
    let number: Int
    let touches: WriteSet
    let previous: AsyncLatch?
    let decided = AsyncLatch()
    let finished = AsyncLatch()
  }

  private func carry(_ commands: [ReceivedCommand], _ turn: ConcurrencyLimit, _ offsets: OffsetTracker) async throws {
    defer {
      turn.decided.open()
      turn.finished.open()
    }
    if !commands.isEmpty {
      // A batch may consist of several transactions; the replies of each are published as soon as it is committed.
      _ = try await runner.run(commands, touches: turn.touches) {
        turn.decided.open()
      } committed: { answered in
        consumer.noteProgress()
        relay.wake()
        await turn.previous?.pass()
        await replies.publish(answered)
      }
    }
    await turn.previous?.pass()
    try Task.checkCancellation()
    await offsets.finish(turn.number)
  }

  /// Carries a bulk out and answers it. Interrupted, its batch is never done, and it comes again.
  private func carry(
    _ bulk: Bulk, _ command: ReceivedCommand, of number: Int, _ offsets: OffsetTracker, in slots: BulkSlots
  ) async throws {
    do {
      let runner = BulkRunner(runner: runner, slots: slots) {
        consumer.noteProgress()
        relay.wake()
      }
      let reply = try await runner.run(command, bulk)
      await replies.publish([(command, reply)])
    } catch is BulkInterrupted {
      logger.info("bulk interrupted; it is gone on with when it comes again", metadata: ["command": "\(command.read.command.id)"])
      return
    }
    try Task.checkCancellation()
    await offsets.finish(number)
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
