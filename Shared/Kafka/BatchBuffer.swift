import Foundation
import ServiceLifecycle

/// The one place between the thread that polls and the task that handles batches: one batch grows while another is handled.
///
/// Safe to share: everything that changes is read and written with the lock of `condition` held.
final class BatchBuffer: @unchecked Sendable {
  private typealias Waiter = CheckedContinuation<Result<Batch?, KafkaError>, Never>

  private let condition = NSCondition()
  private var ready: Batch?
  private var ending: Result<Void, KafkaError>?
  private var waiter: Waiter?
  /// Batches that were taken and not yet returned.
  private var taken: Set<UInt64> = []
  /// Called when a task begins to wait for a batch.
  private let wanted: @Sendable () -> Void

  init(wanted: @escaping @Sendable () -> Void) {
    self.wanted = wanted
  }
}

// MARK: - For the task that handles batches

extension BatchBuffer {
  /// The next batch; nil when there will be none.
  func next(isolation: isolated (any Actor)?) async -> Result<Batch?, KafkaError> {
    await withTaskCancellationOrGracefulShutdownHandler {
      await withCheckedContinuation { continuation in
        if let outcome = takeOrWait(continuation) { continuation.resume(returning: outcome) } else { wanted() }
      }
    } onCancelOrGracefulShutdown: {
      self.end(.success(()))
    }
  }

  /// Says that a batch is done with, committed or not.
  func giveBack(_ id: UInt64) {
    condition.withLock {
      if taken.remove(id) != nil { condition.broadcast() }
    }
  }

  private func takeOrWait(_ continuation: Waiter) -> Result<Batch?, KafkaError>? {
    condition.withLock {
      if let ending { return ending.map { nil } }
      if let batch = ready.take() {
        taken.insert(batch.id)
        condition.broadcast()
        return .success(batch)
      }
      // A second iterator would wait for ever; the first is told that its sequence ends.
      let previous = waiter
      waiter = continuation
      previous?.resume(returning: .success(nil))
      condition.broadcast()
      return nil
    }
  }
}

// MARK: - For the thread that polls

extension BatchBuffer {
  /// Whether a task waits for a batch.
  var isWanted: Bool { condition.withLock { waiter != nil } }

  var hasRoom: Bool { condition.withLock { ready == nil && ending == nil } }

  /// Waits until there is room for a batch; false where `deadline` comes first or the buffer has ended.
  func waitForRoom(until deadline: Date) -> Bool {
    condition.withLock {
      while ready != nil, ending == nil {
        guard condition.wait(until: deadline) else { break }
      }
      return ready == nil && ending == nil
    }
  }

  /// Waits until no batch is taken; false where `deadline` comes first.
  func waitUntilGivenBack(until deadline: Date) -> Bool {
    condition.withLock {
      while !taken.isEmpty, ending == nil {
        guard condition.wait(until: deadline) else { break }
      }
      return taken.isEmpty
    }
  }

  func append(_ batch: Batch) {
    let taker = condition.withLock { () -> Waiter? in
      guard ending == nil else { return nil }
      guard let taker = waiter.take() else {
        ready = batch
        return nil
      }
      taken.insert(batch.id)
      return taker
    }
    taker?.resume(returning: .success(batch))
  }

  /// Drops the batch that nobody has taken yet, for its partitions may be another's now.
  func dropReady() {
    condition.withLock { ready = nil }
  }

  /// No batch comes after this; the first ending counts.
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
