import Synchronization

/// A value that is set once, and that one task awaits.
final class Promise<Value: Sendable>: Sendable {
  private enum State {
    case pending
    case awaited(CheckedContinuation<Value, any Error>)
    case finished(Result<Value, any Error>)
  }

  private let state = Mutex<State>(.pending)

  /// Sets the result and resumes the waiting task.
  ///
  /// - Returns: Whether it was the first result; later ones are ignored. False also if the task has been cancelled.
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

  /// Whether there is a result, including that of a cancelled task.
  var isFinished: Bool {
    state.withLock { state in
      if case .finished = state { true } else { false }
    }
  }

  /// Waits for the value.
  ///
  /// - Throws: The error that was set; `CancellationError` as soon as the task is cancelled.
  nonisolated(nonsending) func value() async throws -> Value {
    try await withTaskCancellationHandler {
      try await valueIgnoringCancellation()
    } onCancel: {
      finish(.failure(CancellationError()))
    }
  }

  /// As ``value()``, but throws `error` if there is no result after `limit`.
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

  /// Waits for the value, even if the task is cancelled.
  nonisolated(nonsending) func valueIgnoringCancellation() async throws -> Value {
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
