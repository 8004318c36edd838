import Kafka
import Logging

/// Tracks finished batches, and commits their offsets in order.
///
/// A batch with a bulk request may finish long after its successors. Their offsets wait for it, so that a process that takes over resumes
/// the bulk request. Redelivered commands are answered from their recorded replies.
actor OffsetTracker {
  private struct Entry {
    let number: Int
    let batch: Batch
    /// The number of unfinished parts.
    var open: Int
  }

  private let commit: @Sendable ([Batch]) async throws -> Void
  private let logger: Logger
  /// The uncommitted batches, in the order of the topic.
  private var entries: [Entry] = []
  private var isCommitting = false

  init(logger: Logger, commit: @escaping @Sendable ([Batch]) async throws -> Void) {
    self.logger = logger
    self.commit = commit
  }

  /// Adds a batch that consists of `parts` parts. Batches are added in their order.
  func begin(_ batch: Batch, number: Int, parts: Int) {
    // Drop the messages, since the commit may come much later.
    entries.append(Entry(number: number, batch: batch.withoutMessages, open: parts))
  }

  /// Marks one part of a batch as finished, and commits all batches that are finished in sequence.
  func finishPart(of number: Int) async {
    guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
    entries[index].open -= 1
    // A commit in progress continues with this batch.
    guard !isCommitting else { return }
    isCommitting = true
    defer { isCommitting = false }
    while !Task.isCancelled {
      let finished = entries.prefix { $0.open == 0 }.map(\.batch)
      guard !finished.isEmpty else { return }
      entries.removeFirst(finished.count)
      do {
        try await commit(finished)
      } catch {
        // The commands are committed and recorded. If they are delivered again, they are answered from the record.
        logger.warning("offsets not committed", metadata: ["error": "\(error)"])
      }
    }
  }
}
