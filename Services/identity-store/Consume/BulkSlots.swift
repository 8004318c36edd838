/// A FIFO semaphore that limits how many transactions of bulk requests run concurrently.
///
/// A bulk request acquires a slot for each transaction, so that a long request of one workspace does not block those of others.
actor BulkSlots {
  private var free: Int
  private var waiting: [AsyncLatch] = []

  init(_ count: Int) { free = max(1, count) }

  /// Runs `operation` in a slot.
  ///
  /// - Throws: The errors of `operation`.
  nonisolated func withSlot<Result: Sendable>(_ operation: () async throws -> Result) async throws -> Result {
    await acquire()
    do {
      let result = try await operation()
      await release()
      return result
    } catch {
      await release()
      throw error
    }
  }

  private func acquire() async {
    guard free == 0 else {
      free -= 1
      return
    }
    let latch = AsyncLatch()
    waiting.append(latch)
    await latch.wait()
  }

  /// Passes the slot to the task that has waited longest.
  private func release() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().open() }
  }
}

/// A one-shot latch: tasks wait until it opens. Once open, it stays open.
struct AsyncLatch: Sendable {
  private let stream: AsyncStream<Never>
  private let continuation: AsyncStream<Never>.Continuation

  init() {
    (stream, continuation) = AsyncStream.makeStream()
  }

  /// Opens the latch. Opening it again has no effect.
  func open() {
    continuation.finish()
  }

  /// Returns when the latch is open, or when the task is cancelled.
  func wait() async {
    for await _ in stream {}
  }
}
