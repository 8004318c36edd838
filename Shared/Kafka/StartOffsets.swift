import CKafka
import Logging
import Metrics
import Synchronization

/// Finds the offset at which a consumer starts on each partition, and detects messages that were deleted before they were read.
///
/// librdkafka would continue at the first remaining message and only log that. With `auto.offset.reset=error` it stops at such a partition
/// instead. Called on the polling thread, which it blocks for a few round trips.
final class StartOffsets: Sendable {
  private struct State {
    /// The start offsets of the assigned partitions.
    var started: [TopicPartition: Int64] = [:]
    /// Partitions that are not read until their start offset is known.
    var unresolved: Set<TopicPartition> = []
    var retryAt = ContinuousClock.now
  }

  let gaps: AsyncStream<OffsetGap>
  private let found: AsyncStream<OffsetGap>.Continuation
  private let group: String
  private let resets: [OffsetGap.Cause: Counter]
  private let skipped: Counter
  private let reset: ConsumerConfiguration.OffsetReset
  private let progress: ConsumerProgress
  private let assignment: Assignment
  private let logger: Logger
  private let state = Mutex(State())

  /// The timeout of requests in milliseconds. Unknown offsets are requested again later.
  private static let timeout: Int32 = 5000
  private static let retryInterval = Duration.milliseconds(500)
  /// The maximum number of gaps that wait to be recorded.
  private static let maximumGaps = 10_000

  init(_ configuration: ConsumerConfiguration, progress: ConsumerProgress, assignment: Assignment, logger: Logger) {
    let group = configuration.group
    self.group = group
    resets = Dictionary(
      uniqueKeysWithValues: OffsetGap.Cause.allCases.map { cause in
        (cause, Counter(label: "kafka_consumer_offset_resets_total", dimensions: [("group", group), ("cause", cause.rawValue)]))
      })
    skipped = Counter(label: "kafka_messages_skipped_total", dimensions: [("group", group)])
    reset = configuration.offsetReset
    self.progress = progress
    self.assignment = assignment
    self.logger = logger
    (gaps, found) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.maximumGaps))
  }

  /// Sets the offset of each partition of a new assignment. If an offset is unknown for now, librdkafka starts at the committed offset or
  /// reports an error.
  func resolve(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, _ client: OpaquePointer) {
    let partitions = list.entries.map(\.partition)
    let starts = find(partitions, client)
    state.withLock { state in
      for partition in partitions { state.started[partition] = starts[partition]?.offset }
    }
    for index in 0..<Int(list.pointee.cnt) {
      let entry = list.pointee.elems + index
      let partition = TopicPartition(topic: String(cString: entry.pointee.topic), partition: entry.pointee.partition)
      if let start = starts[partition] { entry.pointee.offset = start.offset }
    }
    for start in starts.values { report(start) }
  }

  /// Marks a partition whose offset is out of range.
  func markUnresolved(_ partition: TopicPartition) {
    state.withLock { _ = $0.unresolved.insert(partition) }
  }

  /// Forgets partitions that were revoked.
  func remove(_ partitions: [TopicPartition]) {
    state.withLock { state in
      for partition in partitions {
        state.started[partition] = nil
        state.unresolved.remove(partition)
      }
    }
  }

  /// Ends the sequence of gaps.
  func finish() { found.finish() }

  /// Resumes partitions whose start offset has become known.
  func resume(_ handle: ClientHandle) {
    let unresolved = state.withLock { state -> Set<TopicPartition> in
      guard !state.unresolved.isEmpty, .now >= state.retryAt else { return [] }
      state.retryAt = .now + Self.retryInterval
      return state.unresolved
    }
    guard !unresolved.isEmpty else { return }
    let starts = find(Array(unresolved), handle.pointer, positions: positions(unresolved, handle))
    guard !starts.isEmpty else { return }
    let offsets = nextOffsets(starts, handle)
    // The whole assignment is replaced, since librdkafka has no other way to restart a partition that it has stopped. The other partitions
    // continue at their offsets, and prefetched messages are fetched again.
    let code = handle.withList(offsets) { rd_kafka_assign(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      logger.warning("partitions cannot be resumed yet: \(String(cString: rd_kafka_err2str(code)))")
      return
    }
    state.withLock { state in
      for (partition, start) in starts {
        state.unresolved.remove(partition)
        state.started[partition] = start.offset
      }
    }
    for start in starts.values { report(start) }
  }

  /// The offset at which each assigned partition continues.
  private func nextOffsets(_ starts: [TopicPartition: StartOffset], _ handle: ClientHandle) -> [(TopicPartition, offset: Int64)] {
    let assigned = assignment.partitions
    let positions = positions(assigned, handle)
    let started = state.withLock { $0.started }
    // -1001 (RD_KAFKA_OFFSET_INVALID) makes librdkafka request the committed offset.
    return assigned.map { ($0, offset: starts[$0]?.offset ?? positions[$0] ?? started[$0] ?? -1001) }
  }

  /// The next offsets to read, for partitions that have been read from.
  private func positions(_ partitions: Set<TopicPartition>, _ handle: ClientHandle) -> [TopicPartition: Int64] {
    let entries = handle.withList(partitions.map { ($0, offset: Int64(-1001)) }) { list in
      rd_kafka_position(handle.pointer, list) == RD_KAFKA_RESP_ERR_NO_ERROR ? list.entries : []
    }
    return (entries ?? []).reduce(into: [:]) { if $1.offset >= 0 { $0[$1.partition] = $1.offset } }
  }

  /// Finds the start offsets of partitions. Partitions for which no broker answers in time are left out.
  ///
  /// - Parameter positions: The current positions, which are later than the committed offsets.
  private func find(
    _ partitions: [TopicPartition], _ client: OpaquePointer, positions: [TopicPartition: Int64] = [:]
  ) -> [TopicPartition: StartOffset] {
    let deadline = ContinuousClock.now + .milliseconds(Int(Self.timeout))
    guard let committed = committed(partitions, client) else { return [:] }
    var starts: [TopicPartition: StartOffset] = [:]
    for partition in partitions where ContinuousClock.now < deadline {
      var (low, high): (Int64, Int64) = (0, 0)
      let code = rd_kafka_query_watermark_offsets(client, partition.topic, partition.partition, &low, &high, Self.timeout)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
        logger.warning("the first offset of \(partition) is not known yet: \(String(cString: rd_kafka_err2str(code)))")
        continue
      }
      starts[partition] = StartOffset(
        of: partition, committed: positions[partition] ?? committed[partition], recorded: progress.recorded(partition), low: low,
        high: high, reset: reset)
    }
    return starts
  }

  /// The committed offsets of the group; nil if they cannot be read.
  private func committed(_ partitions: [TopicPartition], _ client: OpaquePointer) -> [TopicPartition: Int64]? {
    guard let list = rd_kafka_topic_partition_list_new(Int32(partitions.count)) else { return nil }
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for partition in partitions { rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition) }
    let code = rd_kafka_committed(client, list, Self.timeout)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      logger.warning("the offsets of group '\(group)' are not known yet: \(String(cString: rd_kafka_err2str(code)))")
      return nil
    }
    var committed: [TopicPartition: Int64] = [:]
    for entry in list.entries {
      guard entry.error == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
      if entry.offset >= 0 { committed[entry.partition] = entry.offset }
    }
    return committed
  }

  private func report(_ start: StartOffset) {
    guard let gap = start.gap else { return }
    // Batches in progress were read before the gap, and must not be committed after it.
    assignment.add([gap.partition])
    progress.restart(gap.partition, at: gap.resumed)
    resets[gap.cause]?.increment()
    if let count = gap.count, gap.cause == .deleted { skipped.increment(by: count) }
    logger.log(level: gap.cause == .neverRead ? .notice : .error, "the group has not read all messages: \(gap)")
    found.yield(gap)
  }
}
