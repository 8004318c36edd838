import Synchronization

/// The partitions that are assigned to a consumer.
///
/// Each assignment of a partition starts a new *term*. Messages of an earlier term can be told apart: another consumer may have continued from
/// there in the meantime.
final class Assignment: Sendable {
  private struct State {
    var terms: [TopicPartition: UInt64] = [:]
    var latest: UInt64 = 0
    var observers: [UInt64: AsyncStream<Void>.Continuation] = [:]
    var nextObserver: UInt64 = 0
  }

  private let state = Mutex(State())

  /// A new stream with an element for the present assignment, if there has been one, and one after each change. Changes that the iterator has not
  /// seen yet are combined.
  func changes() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let (number, hasAssignment) = state.withLock { state in
      state.nextObserver += 1
      state.observers[state.nextObserver] = continuation
      return (state.nextObserver, state.latest > 0)
    }
    continuation.onTermination = { [weak self] _ in self?.removeObserver(number) }
    if hasAssignment { continuation.yield() }
    return stream
  }

  private func removeObserver(_ number: UInt64) {
    _ = state.withLock { $0.observers.removeValue(forKey: number) }
  }

  var partitions: Set<TopicPartition> { state.withLock { Set($0.terms.keys) } }

  /// A number that changes with each assignment or revocation.
  var revision: UInt64 { state.withLock { $0.latest } }

  /// The current term of a partition; nil if it is not assigned.
  func term(of partition: TopicPartition) -> UInt64? { state.withLock { $0.terms[partition] } }

  func add(_ partitions: [TopicPartition]) {
    state.withLock { state in
      state.latest += 1
      for partition in partitions { state.terms[partition] = state.latest }
    }
    notify()
  }

  func remove(_ partitions: [TopicPartition]) {
    state.withLock { state in
      state.latest += 1
      for partition in partitions { state.terms[partition] = nil }
    }
    notify()
  }

  /// Resumes the observers outside of the lock, which their termination handlers take, too.
  private func notify() {
    for observer in state.withLock({ Array($0.observers.values) }) { observer.yield() }
  }
}
