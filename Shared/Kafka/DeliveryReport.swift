import Synchronization

/// Is told the fate of messages.
protocol DeliveryObserver: Sendable {
  /// Says what became of the message at `index` of those that it stands for.
  func settle(_ index: Int, _ failure: KafkaError?)
}

/// Is told of one message, and only where it does not arrive.
struct FailureObserver: DeliveryObserver {
  let failed: @Sendable (KafkaError) -> Void

  func settle(_ index: Int, _ failure: KafkaError?) {
    if let failure { failed(failure) }
  }
}

/// What one call of `send` waits for: the fate of each of its messages.
final class DeliveryReport: DeliveryObserver {
  private struct State {
    var outstanding: Int
    var failures: [Int: KafkaError] = [:]
    var isAbandoned = false
    var continuation: CheckedContinuation<[Int: KafkaError], any Error>?
  }

  private let state: Mutex<State>

  init(messages: Int) {
    state = Mutex(State(outstanding: messages))
  }

  func settle(_ index: Int, _ failure: KafkaError?) {
    let done = state.withLock { state -> (CheckedContinuation<[Int: KafkaError], any Error>, [Int: KafkaError])? in
      state.outstanding -= 1
      if let failure { state.failures[index] = failure }
      guard state.outstanding == 0, let continuation = state.continuation.take() else { return nil }
      return (continuation, state.failures)
    }
    guard let (continuation, failures) = done else { return }
    continuation.resume(returning: failures)
  }

  /// Waits for the delivery reports of all messages and returns the errors of the failed ones by index.
  ///
  /// - Throws: `CancellationError` where the task is cancelled, which ends the wait but does not recall the messages.
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

  /// The error of the first message that failed, naming all that did; nil where none did.
  static func summary(_ failures: [Int: KafkaError]) -> KafkaError? {
    let indices = failures.keys.sorted()
    guard let first = indices.first, var error = failures[first] else { return nil }
    error.failedIndices = indices
    return error
  }
}

/// One message on its way to the broker. librdkafka holds it, as the message's opaque, from produce to delivery report.
final class Delivery: Sendable {
  let message: OutgoingMessage
  let index: Int
  let witness: any DeliveryObserver
  let size: Int
  let acceptedAt: ContinuousClock.Instant
  /// The order in which messages were accepted, kept when they have to be produced again.
  let sequence: UInt64
  /// How often it was produced before.
  let attempt: Int

  init(
    _ message: OutgoingMessage, index: Int, witness: any DeliveryObserver, size: Int, acceptedAt: ContinuousClock.Instant, sequence: UInt64,
    attempt: Int = 0
  ) {
    self.message = message
    self.index = index
    self.witness = witness
    self.size = size
    self.acceptedAt = acceptedAt
    self.sequence = sequence
    self.attempt = attempt
  }

  func again() -> Delivery {
    Delivery(
      message, index: index, witness: witness, size: size, acceptedAt: acceptedAt, sequence: sequence, attempt: attempt + 1)
  }
}
