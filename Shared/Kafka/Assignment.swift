import Synchronization

/// The partitions that a consumer holds, and since when.
///
/// Every time a partition comes, a new *term* begins, so that what was read under an earlier one can be told apart: another
/// consumer may have gone on from there meanwhile.
final class Assignment: Sendable {
  private struct State {
    var terms: [TopicPartition: UInt64] = [:]
    var latest: UInt64 = 0
  }

  private let state = Mutex(State())

  var partitions: Set<TopicPartition> { state.withLock { Set($0.terms.keys) } }

  /// Changes whenever a partition comes or goes.
  var revision: UInt64 { state.withLock { $0.latest } }

  /// The present term of a partition; nil where it is not held.
  func term(of partition: TopicPartition) -> UInt64? { state.withLock { $0.terms[partition] } }

  func add(_ partitions: [TopicPartition]) {
    state.withLock { state in
      state.latest += 1
      for partition in partitions { state.terms[partition] = state.latest }
    }
  }

  func remove(_ partitions: [TopicPartition]) {
    state.withLock { state in
      state.latest += 1
      for partition in partitions { state.terms[partition] = nil }
    }
  }
}
