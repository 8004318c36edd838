import Kafka
import Logging
import Models
import ServiceKit
import ServiceLifecycle

/// Consumes commands in batches: decides and commits them, publishes the replies, and commits the offsets. Two batches are in flight.
///
/// The next batch is loaded and decided while the previous one is written and committed. If their write sets overlap, it waits. Replies and
/// offsets are sent in the order of the batches.
///
/// Bulk requests, which may be many transactions each, run concurrently with the batches: a few transactions at a time, and one bulk request
/// per workspace. Only the offsets wait for them; see ``OffsetTracker``.
struct CommandConsumer: Service {
  let consumer: Consumer
  let processor: CommandProcessor
  /// The maximum number of concurrent transactions of bulk requests.
  let maximumBulks: Int
  let replies: ReplyPublisher
  let logger: Logger

  /// Runs until graceful shutdown, or until any part of it fails.
  ///
  /// Batches run in child tasks, and a failing child does not wake the task that waits for the next batch. Therefore the waiting task is a
  /// child as well, of a group that ends at the first failure.
  func run() async throws {
    let (failures, failure) = AsyncThrowingStream<Never, any Error>.makeStream()
    do {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { for try await _ in failures {} }
        group.addTask {
          defer { failure.finish() }
          try await consume { failure.finish(throwing: $0) }
        }
        while try await group.next() != nil {}
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      logger.notice("stopped with unfinished commands; they are redelivered at the next start")
    }
  }

  /// - Parameter onFailure: Called immediately when a child task fails.
  private func consume(onFailure: @escaping @Sendable (any Error) -> Void) async throws {
    let offsets = OffsetTracker(logger: logger) { [consumer] in try await consumer.commit($0) }
    try await withThrowingDiscardingTaskGroup { group in
      var last: InFlightBatch?
      var number = 0
      // The bulk requests of a workspace run one at a time. scim-api limits how many wait.
      var lastBulks: [WorkspaceID: AsyncLatch] = [:]
      let slots = BulkSlots(maximumBulks)
      var batches = consumer.batches.makeAsyncIterator()
      while true {
        // The consumer fills the next batch until it is requested. At most two are in flight, so the one before the last must be finished.
        await last?.decided.wait()
        await last?.previous?.wait()
        guard let batch = try await batches.next() else { break }
        let received = try await processor.commands(of: batch.messages)
        let commands = received.filter { $0.bulk == nil }
        let writeSet = WriteSet(of: commands.lazy.map(\.read))
        if let last, last.writeSet.overlaps(writeSet) { await last.finished.wait() }
        try Task.checkCancellation()
        let current = InFlightBatch(number: number, writeSet: writeSet, previous: last?.finished)
        let bulks = received.compactMap { command in command.bulk.map { (command, $0) } }
        await offsets.begin(batch, number: number, parts: 1 + bulks.count)
        for (command, bulk) in bulks {
          let workspace = command.read.command.workspace
          let (previous, finished) = (lastBulks[workspace], AsyncLatch())
          lastBulks[workspace] = finished
          group.addTask { [number] in
            defer { finished.open() }
            await previous?.wait()
            do {
              try await process(bulk, command, of: number, offsets, in: slots)
            } catch {
              onFailure(error)
              throw error
            }
          }
        }
        group.addTask {
          do {
            try await process(commands, of: current, offsets)
          } catch {
            onFailure(error)
            throw error
          }
        }
        last = current
        number += 1
      }
      await last?.finished.wait()
    }
  }

  /// A batch in progress.
  private struct InFlightBatch: Sendable {
    let number: Int
    let writeSet: WriteSet
    /// Opens when the previous batch is finished.
    let previous: AsyncLatch?
    let decided = AsyncLatch()
    let finished = AsyncLatch()
  }

  private func process(_ commands: [ReceivedCommand], of batch: InFlightBatch, _ offsets: OffsetTracker) async throws {
    defer {
      batch.decided.open()
      batch.finished.open()
    }
    if !commands.isEmpty {
      // A batch may consist of several transactions. The replies of each are published as soon as it is committed.
      try await Self.traced(commands) {
        _ = try await processor.process(commands, writeSet: batch.writeSet) {
          batch.decided.open()
        } onCommit: { answered in
          consumer.noteProgress()
          await batch.previous?.wait()
          await replies.publish(answered)
          for (command, reply) in answered { command.endSpan(reply) }
        }
      }
    }
    await batch.previous?.wait()
    try Task.checkCancellation()
    await offsets.finishPart(of: batch.number)
  }

  /// Runs `body` in the span of a batch, if it has commands whose traces are sampled.
  private static func traced(_ commands: [ReceivedCommand], _ body: () async throws -> Void) async throws {
    try await ConsumerSpans.processBatch(commands.compactMap(\.span), of: commands.count, group: "identity-store", body)
  }

  /// Processes a bulk request and publishes its reply. If it is interrupted, the offsets of its batch are not committed and it is
  /// redelivered.
  private func process(
    _ bulk: Bulk, _ command: ReceivedCommand, of number: Int, _ offsets: OffsetTracker, in slots: BulkSlots
  ) async throws {
    do {
      let runner = BulkRunner(processor: processor, slots: slots, onCommit: consumer.noteProgress)
      try await Self.traced([command]) {
        let reply = try await runner.run(command, bulk)
        await replies.publish([(command, reply)])
        command.endSpan(reply)
      }
    } catch is BulkInterrupted {
      logger.info("bulk request interrupted; it resumes when it is redelivered", metadata: ["command": "\(command.read.command.id)"])
      return
    }
    try Task.checkCancellation()
    await offsets.finishPart(of: number)
  }
}
