/// Limits how many operations of bulk requests are carried out at once; those that wait are served in the order in which they came.
///
/// A bulk asks for a slot for each of its operations, so that long bulks of one workspace do not keep the bulks of others waiting.
actor BulkSlots {
  private var free: Int
  private var waiting: [AsyncLatch] = []

  init(_ count: Int) { free = max(1, count) }

  /// Runs `operation` in a slot.
  ///
  /// - Throws: `CancellationError`; whatever `operation` throws.
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
    let gate = AsyncLatch()
    waiting.append(gate)
    await gate.pass()
  }

  /// Hands the slot to the longest-waiting task.
  private func release() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().open() }
  }
}
