import Synchronization

/// Limits the number and the size of messages in flight. When it is reached, callers wait in their order.
final class InFlightLimit: Sendable {
  private struct Waiter {
    let id: UInt64
    let size: Int
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var messages = 0
    var bytes = 0
    var nextID: UInt64 = 0
    /// First in, first out.
    var waiting: [Waiter] = []
    /// Callers that were cancelled before they started to wait.
    var cancelled: Set<UInt64> = []
  }

  private let maximumMessages: Int
  private let maximumBytes: Int
  private let state = Mutex(State())

  init(messages: Int, bytes: Int) {
    maximumMessages = max(messages, 1)
    maximumBytes = bytes
  }

  var messages: Int { state.withLock { $0.messages } }

  /// Acquires a slot for a message of `size` bytes, and waits if necessary.
  ///
  /// - Throws: `CancellationError` if the task is cancelled while it waits.
  func acquire(size: Int) async throws {
    let id: UInt64? = state.withLock { state in
      if take(of: &state, size) { return nil }
      state.nextID += 1
      return state.nextID
    }
    guard let id else { return }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let wasCancelled = state.withLock { state in
          if state.cancelled.remove(id) != nil { return true }
          state.waiting.append(Waiter(id: id, size: size, continuation: continuation))
          return false
        }
        if wasCancelled { continuation.resume(throwing: CancellationError()) } else { admit() }
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        guard let index = state.waiting.firstIndex(where: { $0.id == id }) else {
          state.cancelled.insert(id)
          return nil
        }
        return state.waiting.remove(at: index)
      }
      waiter?.continuation.resume(throwing: CancellationError())
    }
    // A caller that was admitted just before its cancellation is still listed as cancelled.
    _ = state.withLock { $0.cancelled.remove(id) }
  }

  /// Acquires a slot for a message of `size` bytes without waiting. False if none is free or other callers wait.
  func tryAcquire(size: Int) -> Bool {
    state.withLock { take(of: &$0, size) }
  }

  private func take(of state: inout State, _ size: Int) -> Bool {
    guard state.waiting.isEmpty, hasRoom(state, for: size) else { return false }
    state.messages += 1
    state.bytes += size
    return true
  }

  /// Releases the slot of a message of `size` bytes.
  func release(size: Int) {
    state.withLock { state in
      state.messages -= 1
      state.bytes -= size
    }
    admit()
  }

  private func admit() {
    let admitted = state.withLock { state in
      var admitted: [Waiter] = []
      while let first = state.waiting.dropFirst(admitted.count).first, hasRoom(state, for: first.size) {
        state.messages += 1
        state.bytes += first.size
        admitted.append(first)
      }
      state.waiting.removeFirst(admitted.count)
      return admitted
    }
    for waiter in admitted { waiter.continuation.resume() }
  }

  /// A message that is larger than the limit is admitted when no other is in flight.
  private func hasRoom(_ state: borrowing State, for size: Int) -> Bool {
    state.messages == 0 || (state.messages < maximumMessages && state.bytes + size <= maximumBytes)
  }
}
