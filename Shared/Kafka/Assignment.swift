import Synchronization

/// The partitions that are assigned to a consumer.
///
/// Each assignment of a partition starts a new *term*. Messages of an earlier term can be told apart: another consumer may have continued from
/// there in the meantime.
final class Assignment: Sendable {
  private struct State {
    var terms: [TopicPartition: UInt64] = [:]
    var latest: UInt64 = 0
  }

  private let state = Mutex(State())
  /// Has an element after each change, for one iterator. Changes that nobody has seen yet are combined.
  let changes: AsyncStream<Void>
  private let change: AsyncStream<Void>.Continuation

  init() {
    (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
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
    change.yield()
  }

  func remove(_ partitions: [TopicPartition]) {
    state.withLock { state in
      state.latest += 1
      for partition in partitions { state.terms[partition] = nil }
    }
    change.yield()
  }
}
