import Models
import Synchronization

/// The pending requests of a ``RequestReply`` client, by correlation id.
final class ReplyRegistry: Sendable {
  private typealias Continuation = CheckedContinuation<Result<CloudEvent?, KafkaError>, Never>

  private struct Pending {
    let deadline: ContinuousClock.Instant
    var outcome: Result<CloudEvent?, KafkaError>?
    var continuation: Continuation?
  }

  private let maximum: Int
  private let brokers: String
  private let state = Mutex<[String: Pending]>([:])

  init(maximum: Int, brokers: String) {
    self.maximum = maximum
    self.brokers = brokers
  }

  var count: Int { state.withLock { $0.count } }

  /// Registers a request before it is sent, so that its reply is recognised.
  ///
  /// - Throws: ``KafkaError/Code/duplicateCorrelationID``; ``KafkaError/Code/tooManyPending``.
  func register(_ id: String, deadline: ContinuousClock.Instant) throws(KafkaError) {
    let failure = state.withLock { pending -> KafkaError? in
      guard pending[id] == nil else {
        return KafkaError(
          own: .duplicateCorrelationID, action: "request", brokers: brokers, reason: "'\(id)' is pending already", isRetriable: false)
      }
      guard pending.count < maximum else {
        return KafkaError(
          own: .tooManyPending, action: "request", brokers: brokers, reason: "\(maximum) requests wait for a reply", isRetriable: true)
      }
      pending[id] = Pending(deadline: deadline)
      return nil
    }
    if let failure { throw failure }
  }

  /// Waits for the reply; nil after the deadline, or if the task is cancelled.
  func reply(to id: String) async throws(KafkaError) -> CloudEvent? {
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let outcome = state.withLock { pending -> Result<CloudEvent?, KafkaError>? in
          guard let request = pending[id] else { return .success(nil) }
          if let outcome = request.outcome { return outcome }
          pending[id]?.continuation = continuation
          return nil
        }
        if let outcome { continuation.resume(returning: outcome) }
      }
    } onCancel: {
      complete(id, .success(nil))
    }
    return try outcome.get()
  }

  /// Removes a request.
  func remove(_ id: String) {
    state.withLock { $0[id] = nil }
  }

  /// Completes a request. False if no request with this id is pending.
  @discardableResult
  func complete(_ id: String, _ outcome: Result<CloudEvent?, KafkaError>) -> Bool {
    let (isKnown, continuation) = state.withLock { pending in
      guard pending[id] != nil, pending[id]?.outcome == nil else { return (false, Continuation?.none) }
      pending[id]?.outcome = outcome
      return (true, pending[id]?.continuation.take())
    }
    continuation?.resume(returning: outcome)
    return isKnown
  }

  /// Completes the requests past their deadline with nil.
  func expire(_ now: ContinuousClock.Instant) {
    for id in ids(where: { $0.deadline <= now }) { complete(id, .success(nil)) }
  }

  /// Completes all requests with an error.
  func fail(_ error: KafkaError) {
    for id in ids(where: { _ in true }) { complete(id, .failure(error)) }
  }

  private func ids(where matches: (Pending) -> Bool) -> [String] {
    state.withLock { pending in pending.filter { $0.value.outcome == nil && matches($0.value) }.map(\.key) }
  }
}
