import CKafka
import Metrics
import Synchronization

/// How far a consumer has come, and since when it stands where it is.
///
/// Counted by what is committed: a batch that somebody holds and never finishes counts as unread.
final class ConsumerProgress: Sendable {
  private struct State {
    /// The offset after the last that was committed by this process, else read.
    var next: [TopicPartition: Int64] = [:]
    var lag: [TopicPartition: Int64] = [:]
    /// When something was committed, or nothing was left to read.
    var movedAt = ContinuousClock.now
    /// When the work on a message, or on a part of one, was completed.
    var completedAt = ContinuousClock.now
    var measuredAt: ContinuousClock.Instant?
    /// The last offset that the group is known to have come to on each partition, held or not.
    var recorded: [TopicPartition: Int64]
  }

  private let state: Mutex<State>
  private let group: String

  /// How often the lag is measured where nothing is read.
  private static let interval = Duration.seconds(2)

  init(group: String, recorded: [TopicPartition: Int64]) {
    self.group = group
    state = Mutex(State(recorded: recorded))
  }

  /// What the group had come to when this process last knew; nil where it has read nothing.
  func recorded(_ partition: TopicPartition) -> Int64? { state.withLock { $0.recorded[partition] } }

  /// Where the group stands on every partition that this process has committed, or was told of.
  var recorded: [TopicPartition: Int64] { state.withLock { $0.recorded } }

  /// Says that reading goes on elsewhere than where it was.
  func restart(_ partition: TopicPartition, at offset: Int64) {
    state.withLock { state in
      state.next[partition] = offset
      state.lag[partition] = nil
      state.recorded[partition] = offset
    }
  }

  /// The messages on the held partitions that are not committed, as of the last measurement.
  var lag: Int64 { state.withLock { $0.lag.values.reduce(0, +) } }

  /// For how long there has been something to read and nothing was committed, and nothing was completed; nil where all is well.
  var standstill: (uncommitted: Duration, idle: Duration)? {
    state.withLock { state in
      guard state.lag.values.contains(where: { $0 > 0 }) else { return nil }
      let now = ContinuousClock.now
      return (now - state.movedAt, now - max(state.movedAt, state.completedAt))
    }
  }

  func completed() {
    state.withLock { $0.completedAt = .now }
  }

  func committed(_ positions: [(TopicPartition, offset: Int64)]) {
    state.withLock { state in
      for (partition, offset) in positions {
        state.next[partition] = offset
        state.recorded[partition] = offset
        // Until it is measured again: what came meanwhile is not known.
        state.lag[partition] = nil
      }
      state.movedAt = .now
    }
  }

  /// Measures, where it is time. Called by the thread that polls; asks no broker.
  func measure(_ assignment: Assignment, _ handle: ClientHandle) {
    let now = ContinuousClock.now
    let isDue = state.withLock { state in
      if let last = state.measuredAt, now - last < Self.interval { return false }
      state.measuredAt = now
      return true
    }
    guard isDue else { return }
    let held = assignment.partitions
    var ends: [TopicPartition: Int64] = [:]
    for partition in held {
      var (low, high): (Int64, Int64) = (0, 0)
      let code = rd_kafka_get_watermark_offsets(handle.pointer, partition.topic, partition.partition, &low, &high)
      if code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 { ends[partition] = high }
    }
    let starts = starts(of: held, handle)
    let (lag, gone) = state.withLock { state -> ([TopicPartition: Int64], [TopicPartition]) in
      let gone = state.lag.keys.filter { !held.contains($0) }
      state.next = state.next.filter { held.contains($0.key) }
      state.lag = [:]
      for (partition, end) in ends {
        // Where nothing was read yet there is nothing to say.
        guard let next = state.next[partition] ?? starts[partition] else { continue }
        state.next[partition] = next
        state.lag[partition] = max(0, end - next)
      }
      if !state.lag.values.contains(where: { $0 > 0 }) { state.movedAt = now }
      return (state.lag, gone)
    }
    for partition in gone { record(0, partition) }
    for (partition, count) in lag { record(count, partition) }
  }

  /// Says where the reading of a partition begins, before any of it is committed.
  func began(_ positions: [TopicPartition: Int64]) {
    state.withLock { state in
      for (partition, first) in positions where state.next[partition] == nil { state.next[partition] = first }
    }
  }

  /// Where the client stands on partitions of which nothing was read: what it would read next.
  private func starts(of partitions: Set<TopicPartition>, _ handle: ClientHandle) -> [TopicPartition: Int64] {
    let known = state.withLock { Set($0.next.keys) }
    let unknown = partitions.subtracting(known).map { ($0, offset: Int64(-1001)) }
    guard !unknown.isEmpty else { return [:] }
    let entries = handle.withList(unknown) { list in
      rd_kafka_position(handle.pointer, list) == RD_KAFKA_RESP_ERR_NO_ERROR ? list.entries : []
    }
    return (entries ?? []).reduce(into: [:]) { if $1.offset >= 0 { $0[$1.partition] = $1.offset } }
  }

  private func record(_ count: Int64, _ partition: TopicPartition) {
    Gauge(
      label: "kafka_consumer_lag_messages",
      dimensions: [("group", group), ("topic", partition.topic), ("partition", String(partition.partition))]
    ).record(count)
  }
}
