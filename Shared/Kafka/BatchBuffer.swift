import Foundation
import ServiceLifecycle

/// A buffer for one batch between the polling thread and the task that processes batches: one batch grows while another is processed.
///
/// `@unchecked Sendable`: all mutable state is accessed with the lock of `condition` held.
final class BatchBuffer: @unchecked Sendable {
  private typealias Waiter = CheckedContinuation<Result<Batch?, KafkaError>, Never>

  private let condition = NSCondition()
  private var ready: Batch?
  private var ending: Result<Void, KafkaError>?
  private var waiter: Waiter?
  /// The ids of batches that were returned by `next` and not yet released.
  private var inProgress: Set<UInt64> = []
  /// Called when a task starts to wait for a batch.
  private let onWait: @Sendable () -> Void

  init(onWait: @escaping @Sendable () -> Void) {
    self.onWait = onWait
  }
}

// MARK: - For the task that processes batches

extension BatchBuffer {
  /// The next batch; nil at the end.
  func next(isolation: isolated (any Actor)?) async -> Result<Batch?, KafkaError> {
    await withTaskCancellationOrGracefulShutdownHandler {
      await withCheckedContinuation { continuation in
        if let outcome = nextOrWait(continuation) { continuation.resume(returning: outcome) } else { onWait() }
      }
    } onCancelOrGracefulShutdown: {
      self.end(.success(()))
    }
  }

  /// Releases a batch that is processed, whether or not it was committed.
  func release(_ id: UInt64) {
    condition.withLock {
      if inProgress.remove(id) != nil { condition.broadcast() }
    }
  }

  private func nextOrWait(_ continuation: Waiter) -> Result<Batch?, KafkaError>? {
    condition.withLock {
      if let ending { return ending.map { nil } }
      if let batch = ready.take() {
        inProgress.insert(batch.id)
        condition.broadcast()
        return .success(batch)
      }
      // With a second iterator, the first one would wait forever. Its sequence ends.
      let previous = waiter
      waiter = continuation
      previous?.resume(returning: .success(nil))
      condition.broadcast()
      return nil
    }
  }
}

// MARK: - For the polling thread

extension BatchBuffer {
  /// Whether a task waits for a batch.
  var hasWaiter: Bool { condition.withLock { waiter != nil } }

  /// Whether a batch can be appended.
  var hasRoom: Bool { condition.withLock { ready == nil && ending == nil } }

  /// Waits until there is room for a batch. False at the deadline, or if the buffer has ended.
  func waitForRoom(until deadline: Date) -> Bool {
    condition.withLock {
      while ready != nil, ending == nil {
        guard condition.wait(until: deadline) else { break }
      }
      return ready == nil && ending == nil
    }
  }

  /// Waits until all batches in progress are released. False at the deadline.
  func waitUntilReleased(until deadline: Date) -> Bool {
    condition.withLock {
      while !inProgress.isEmpty, ending == nil {
        guard condition.wait(until: deadline) else { break }
      }
      return inProgress.isEmpty
    }
  }

  /// Hands a batch to the waiting task, or stores it.
  func append(_ batch: Batch) {
    let recipient = condition.withLock { () -> Waiter? in
      guard ending == nil else { return nil }
      guard let recipient = waiter.take() else {
        ready = batch
        return nil
      }
      inProgress.insert(batch.id)
      return recipient
    }
    recipient?.resume(returning: .success(batch))
  }

  /// Drops the buffered batch, because its partitions may belong to another consumer now.
  func dropReady() {
    condition.withLock { ready = nil }
  }

  /// Ends the sequence of batches. Only the first call has an effect.
  func end(_ ending: Result<Void, KafkaError>) {
    let last = condition.withLock { () -> Waiter? in
      if self.ending == nil {
        self.ending = ending
        ready = nil
        condition.broadcast()
      }
      return self.waiter.take()
    }
    last?.resume(returning: ending.map { nil })
  }
}
