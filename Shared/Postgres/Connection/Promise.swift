import Synchronization

/// A value that comes once, for one task that waits for it.
final class Promise<Value: Sendable>: Sendable {
  private enum State {
    case pending
    case awaited(CheckedContinuation<Value, any Error>)
    case finished(Result<Value, any Error>)
  }

  private let state = Mutex<State>(.pending)

  /// Gives the value, or the error, to the waiting task.
  ///
  /// - Returns: Whether it was the first; later ones change nothing. False also where the task was cancelled meanwhile.
  @discardableResult
  func finish(_ result: Result<Value, any Error>) -> Bool {
    let (isFirst, continuation) = state.withLock { state -> (Bool, CheckedContinuation<Value, any Error>?) in
      switch state {
      case .pending:
        state = .finished(result)
        return (true, nil)
      case .awaited(let continuation):
        state = .finished(result)
        return (true, continuation)
      case .finished:
        return (false, nil)
      }
    }
    continuation?.resume(with: result)
    return isFirst
  }

  /// Whether there is an outcome already, be it that nobody waits any more.
  var isFinished: Bool {
    state.withLock { state in
      if case .finished = state { true } else { false }
    }
  }

  /// Waits for the value; throws `CancellationError` as soon as the task is cancelled.
  nonisolated(nonsending) func value() async throws -> Value {
    try await withTaskCancellationHandler {
      try await valueDespiteCancellation()
    } onCancel: {
      finish(.failure(CancellationError()))
    }
  }

  /// As ``value()``, but throws `error` where there is nothing after `limit`.
  nonisolated(nonsending) func value(within limit: Duration, otherwise error: @autoclosure @escaping @Sendable () -> any Error) async throws
    -> Value
  {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await Task.sleep(for: limit)
        self.finish(.failure(error()))
      }
      defer { group.cancelAll() }
      return try await value()
    }
  }

  /// Waits for the value, even where the task is cancelled.
  nonisolated(nonsending) func valueDespiteCancellation() async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let result = state.withLock { state -> Result<Value, any Error>? in
        if case .finished(let result) = state { return result }
        state = .awaited(continuation)
        return nil
      }
      if let result { continuation.resume(with: result) }
    }
  }
}
