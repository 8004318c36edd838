import Synchronization

/// The receiver of the outcome of a message.
enum DeliveryCompletion: Sendable {
  /// The message at this index of a report.
  case report(DeliveryReport, index: Int)
  /// A closure that is only called if the message is not delivered.
  case onFailure(@Sendable (KafkaError) -> Void)

  /// Completes the delivery.
  ///
  /// - Parameter failure: nil if the broker has acknowledged the message.
  func callAsFunction(_ failure: KafkaError?) {
    switch self {
    case .report(let report, let index): report.complete(index, failure)
    case .onFailure(let handler): if let failure { handler(failure) }
    }
  }
}

/// The outcomes of the messages of one call, which either waits for all of them or is told when all are known.
final class DeliveryReport: Sendable {
  private struct State {
    var outstanding: Int
    var failures: [Int: KafkaError] = [:]
    var isAbandoned = false
    var continuation: CheckedContinuation<[Int: KafkaError], any Error>?
  }

  private let state: Mutex<State>
  private let handler: (@Sendable ([Int: KafkaError]) -> Void)?

  /// - Parameter onCompletion: Called with the errors of the failed messages by index, when the outcomes of all messages are known.
  init(messages: Int, onCompletion: (@Sendable ([Int: KafkaError]) -> Void)? = nil) {
    state = Mutex(State(outstanding: messages))
    handler = onCompletion
  }

  /// Records the outcome of the message at `index`.
  func complete(_ index: Int, _ failure: KafkaError?) {
    let done = state.withLock { state -> (CheckedContinuation<[Int: KafkaError], any Error>?, [Int: KafkaError])? in
      state.outstanding -= 1
      if let failure { state.failures[index] = failure }
      return state.outstanding == 0 ? (state.continuation.take(), state.failures) : nil
    }
    guard let (continuation, failures) = done else { return }
    handler?(failures)
    continuation?.resume(returning: failures)
  }

  /// Waits for the outcomes of all messages and returns the errors of the failed ones by index.
  ///
  /// - Throws: `CancellationError` if the task is cancelled. The messages may still be delivered.
  func wait() async throws -> [Int: KafkaError] {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<[Int: KafkaError], any Error>) in
        let outcome = state.withLock { state -> Result<[Int: KafkaError], any Error>? in
          if state.outstanding == 0 { return .success(state.failures) }
          if state.isAbandoned { return .failure(CancellationError()) }
          state.continuation = continuation
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let continuation = state.withLock { state in
        state.isAbandoned = true
        return state.continuation.take()
      }
      continuation?.resume(throwing: CancellationError())
    }
  }

  /// The error of the first failed message, with the indices of all failed ones; nil if none failed.
  static func summary(_ failures: [Int: KafkaError]) -> KafkaError? {
    let indices = failures.keys.sorted()
    guard let first = indices.first, var error = failures[first] else { return nil }
    error.failedIndices = indices
    return error
  }
}

/// A message in flight. librdkafka retains it as the opaque of the message, from produce to delivery report.
final class Delivery: Sendable {
  let message: OutgoingMessage
  let completion: DeliveryCompletion
  /// In bytes, as counted by ``InFlightLimit``.
  let size: Int
  let acceptedAt: ContinuousClock.Instant
  /// The position in the order of acceptance, which is kept when messages are produced again.
  let sequence: UInt64
  /// The number of earlier attempts.
  let attempt: Int

  init(
    _ message: OutgoingMessage, completion: DeliveryCompletion, size: Int, acceptedAt: ContinuousClock.Instant, sequence: UInt64,
    attempt: Int = 0
  ) {
    self.message = message
    self.completion = completion
    self.size = size
    self.acceptedAt = acceptedAt
    self.sequence = sequence
    self.attempt = attempt
  }

  /// The next attempt.
  func nextAttempt() -> Delivery {
    Delivery(
      message, completion: completion, size: size, acceptedAt: acceptedAt, sequence: sequence, attempt: attempt + 1)
  }
}
