import CKafka
import Foundation
import Metrics
import Synchronization

/// Measures the lag of a consumer and detects that it makes no progress.
///
/// Only committed messages count as read, so a batch that is never finished is noticed.
final class ConsumerProgress: Sendable {
  private struct State {
    /// The next offset to commit: after the last that this process committed, else the first that it read.
    var next: [TopicPartition: Int64] = [:]
    var lag: [TopicPartition: Int64] = [:]
    /// The time of the last commit, or when nothing was left to read.
    var movedAt = ContinuousClock.now
    /// The time of the last progress within a batch.
    var completedAt = ContinuousClock.now
    var measuredAt: ContinuousClock.Instant?
    /// The last known committed offset of the group on each partition, assigned or not.
    var recorded: [TopicPartition: Int64]
    /// The first message of each batch that was read and is not committed, in order.
    var uncommitted: [TopicPartition: [BatchStart]] = [:]

    /// The timestamp of the oldest message that was read and is not committed; nil if there is none.
    var oldest: Date? { uncommitted.values.compactMap { $0.first?.timestamp }.min() }
  }

  /// The first message of a partition in a batch.
  struct BatchStart: Sendable, Equatable {
    var offset: Int64
    /// When it was produced or appended; nil for a topic without timestamps.
    var timestamp: Date?
  }

  private let state: Mutex<State>
  private let group: String
  private let age: Gauge

  /// The interval between two measurements.
  private static let interval = Duration.seconds(2)

  init(group: String, recorded: [TopicPartition: Int64]) {
    self.group = group
    age = Gauge(label: "kafka_consumer_oldest_seconds", dimensions: [("group", group)])
    state = Mutex(State(recorded: recorded))
  }

  /// The last known committed offset of the group; nil if it has read nothing.
  func recorded(_ partition: TopicPartition) -> Int64? { state.withLock { $0.recorded[partition] } }

  /// The last known committed offsets of the group: of this process, and those of ``ConsumerConfiguration/recordedOffsets``.
  var recorded: [TopicPartition: Int64] { state.withLock { $0.recorded } }

  /// Records that reading continues at another offset.
  func restart(_ partition: TopicPartition, at offset: Int64) {
    state.withLock { state in
      state.next[partition] = offset
      state.lag[partition] = nil
      state.recorded[partition] = offset
      state.uncommitted[partition] = nil
    }
  }

  /// The timestamp of the oldest message that was read and is not committed; nil if there is none.
  var oldest: Date? { state.withLock { $0.oldest } }

  /// The number of uncommitted messages on the assigned partitions, as of the last measurement.
  var lag: Int64 { state.withLock { $0.lag.values.reduce(0, +) } }

  /// How long messages have waited without a commit, and without any progress; nil if none wait.
  var standstill: (uncommitted: Duration, idle: Duration)? {
    state.withLock { state in
      guard state.lag.values.contains(where: { $0 > 0 }) else { return nil }
      let now = ContinuousClock.now
      return (now - state.movedAt, now - max(state.movedAt, state.completedAt))
    }
  }

  /// Records progress within a batch.
  func recordProgress() {
    state.withLock { $0.completedAt = .now }
  }

  /// Records committed offsets.
  func recordCommit(_ positions: [(TopicPartition, offset: Int64)]) {
    state.withLock { state in
      for (partition, offset) in positions {
        state.next[partition] = offset
        state.recorded[partition] = offset
        // Unknown until the next measurement.
        state.lag[partition] = nil
        // Offsets are committed at the end of a batch.
        state.uncommitted[partition]?.removeAll { $0.offset < offset }
      }
      state.movedAt = .now
    }
  }

  /// Measures the lag if a measurement is due. Called by the polling thread; uses offsets that librdkafka has cached.
  func measure(_ assignment: Assignment, _ handle: ClientHandle) {
    let now = ContinuousClock.now
    let isDue = state.withLock { state in
      if let last = state.measuredAt, now - last < Self.interval { return false }
      state.measuredAt = now
      return true
    }
    guard isDue else { return }
    let assigned = assignment.partitions
    var ends: [TopicPartition: Int64] = [:]
    for partition in assigned {
      var (low, high): (Int64, Int64) = (0, 0)
      let code = rd_kafka_get_watermark_offsets(handle.pointer, partition.topic, partition.partition, &low, &high)
      if code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 { ends[partition] = high }
    }
    let starts = starts(of: assigned, handle)
    let (lag, revoked) = state.withLock { state -> ([TopicPartition: Int64], [TopicPartition]) in
      let revoked = state.lag.keys.filter { !assigned.contains($0) }
      state.next = state.next.filter { assigned.contains($0.key) }
      state.uncommitted = state.uncommitted.filter { assigned.contains($0.key) }
      state.lag = [:]
      for (partition, end) in ends {
        // Unknown before the first message is read.
        guard let next = state.next[partition] ?? starts[partition] else { continue }
        state.next[partition] = next
        state.lag[partition] = max(0, end - next)
      }
      if !state.lag.values.contains(where: { $0 > 0 }) { state.movedAt = now }
      return (state.lag, revoked)
    }
    for partition in revoked { record(0, partition) }
    for (partition, count) in lag { record(count, partition) }
    age.record(oldest.map { max(0, -$0.timeIntervalSinceNow) } ?? 0)
  }

  /// Records the first messages of a batch that was read.
  func recordStart(_ starts: [TopicPartition: BatchStart]) {
    state.withLock { state in
      for (partition, first) in starts {
        // The next offset to commit, until the first commit.
        if state.next[partition] == nil { state.next[partition] = first.offset }
        state.uncommitted[partition, default: []].append(first)
      }
    }
  }

  /// The next offsets of partitions that have not been read from yet.
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
