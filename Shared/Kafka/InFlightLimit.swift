import Synchronization

/// Bounds the messages that are on their way, by number and by size; whoever comes when it is full waits in line.
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
    /// Waiters that were cancelled before they came to wait.
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

  /// Takes a place for a message of `size` bytes, waiting for one where there is none.
  ///
  /// - Throws: `CancellationError` where the task is cancelled while it waits.
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
    // Whoever was admitted just before the cancellation came has left its mark behind.
    _ = state.withLock { $0.cancelled.remove(id) }
  }

  /// Takes a place for a message of `size` bytes, where there is one and nobody waits for it.
  func acquireAtOnce(size: Int) -> Bool {
    state.withLock { take(of: &$0, size) }
  }

  private func take(of state: inout State, _ size: Int) -> Bool {
    guard state.waiting.isEmpty, hasRoom(state, for: size) else { return false }
    state.messages += 1
    state.bytes += size
    return true
  }

  /// Gives the place of a message of `size` bytes back.
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

  /// One message that is larger than all the room there is may go alone.
  private func hasRoom(_ state: borrowing State, for size: Int) -> Bool {
    state.messages == 0 || (state.messages < maximumMessages && state.bytes + size <= maximumBytes)
  }
}
