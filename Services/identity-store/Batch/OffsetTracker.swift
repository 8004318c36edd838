import Kafka
import Logging

/// Commits the offsets of batches in their order, each once all that came in it is done.
///
/// A batch with a bulk may be done long after its successors. Theirs wait then, so that a process that takes over begins with the bulk;
/// what it reads once more after that is answered from the record.
actor OffsetTracker {
  private struct Entry {
    let number: Int
    let batch: Batch
    /// How much of it is still to be done.
    var open: Int
  }

  private let commit: @Sendable ([Batch]) async throws -> Void
  private let logger: Logger
  /// In the order of the topic, from the first that is not committed.
  private var entries: [Entry] = []
  private var isCommitting = false

  init(logger: Logger, commit: @escaping @Sendable ([Batch]) async throws -> Void) {
    self.logger = logger
    self.commit = commit
  }

  /// Takes note of a batch that consists of so many parts. Batches are entered in their order.
  func enter(_ batch: Batch, number: Int, parts: Int) {
    // The messages may be many by the time the offset is committed, and nobody needs them here.
    entries.append(Entry(number: number, batch: batch.withoutMessages, open: parts))
  }

  /// Says that one part of a batch is done, and commits what can be.
  func finish(_ number: Int) async {
    guard let index = entries.firstIndex(where: { $0.number == number }) else { return }
    entries[index].open -= 1
    // Whoever commits already goes on with this one.
    guard !isCommitting else { return }
    isCommitting = true
    defer { isCommitting = false }
    while !Task.isCancelled {
      let done = entries.prefix { $0.open == 0 }.map(\.batch)
      guard !done.isEmpty else { return }
      entries.removeFirst(done.count)
      do {
        try await commit(done)
      } catch {
        // The commands are carried out and recorded: should they come again, they are answered from the record.
        logger.warning("offsets not committed", metadata: ["error": "\(error)"])
      }
    }
  }
}
