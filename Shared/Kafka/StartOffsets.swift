import CKafka
import Logging
import Metrics
import Synchronization

/// Finds where a consumer starts on each partition, so that messages which were deleted before they were read are noticed.
///
/// librdkafka would go on at the first message that is left and only write a line to its log. With `auto.offset.reset=error` it stops at such
/// a partition instead. Called by the thread that polls; blocks it for a few round trips.
final class StartOffsets: Sendable {
  private struct State {
    /// Where reading began, of partitions that are held.
    var begun: [TopicPartition: Int64] = [:]
    /// Partitions that stand still until it is known where they start.
    var unresolved: Set<TopicPartition> = []
    var retryAt = ContinuousClock.now
  }

  let gaps: AsyncStream<OffsetGap>
  private let found: AsyncStream<OffsetGap>.Continuation
  private let group: String
  private let reset: ConsumerConfiguration.OffsetReset
  private let progress: ConsumerProgress
  private let assignment: Assignment
  private let logger: Logger
  private let state = Mutex(State())

  /// How long the brokers are asked, in milliseconds; what is not known by then is asked again later.
  private static let timeout: Int32 = 5000
  private static let retryInterval = Duration.milliseconds(500)
  /// The most gaps that wait to be recorded.
  private static let maximumGaps = 10_000

  init(_ configuration: ConsumerConfiguration, progress: ConsumerProgress, assignment: Assignment, logger: Logger) {
    group = configuration.group
    reset = configuration.offsetReset
    self.progress = progress
    self.assignment = assignment
    self.logger = logger
    (gaps, found) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.maximumGaps))
  }

  /// Sets the offset of each partition of a new assignment. A partition whose offset is unknown for now is left to librdkafka, which starts at
  /// the committed offset or reports an error.
  func resolve(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, _ client: OpaquePointer) {
    let partitions = list.entries.map(\.partition)
    let starts = find(partitions, client)
    state.withLock { state in
      for partition in partitions { state.begun[partition] = starts[partition]?.offset }
    }
    for index in 0..<Int(list.pointee.cnt) {
      let entry = list.pointee.elems + index
      let partition = TopicPartition(topic: String(cString: entry.pointee.topic), partition: entry.pointee.partition)
      if let start = starts[partition] { entry.pointee.offset = start.offset }
    }
    for start in starts.values { report(start) }
  }

  /// Takes note of a partition that librdkafka cannot read on from where it was.
  func lost(_ partition: TopicPartition) {
    state.withLock { _ = $0.unresolved.insert(partition) }
  }

  func revoked(_ partitions: [TopicPartition]) {
    state.withLock { state in
      for partition in partitions {
        state.begun[partition] = nil
        state.unresolved.remove(partition)
      }
    }
  }

  func finish() { found.finish() }

  /// Lets partitions go on that stand still, as far as it is known where.
  func resume(_ handle: ClientHandle) {
    let lost = state.withLock { state -> Set<TopicPartition> in
      guard !state.unresolved.isEmpty, .now >= state.retryAt else { return [] }
      state.retryAt = .now + Self.retryInterval
      return state.unresolved
    }
    guard !lost.isEmpty else { return }
    let starts = find(Array(lost), handle.pointer, positions: positions(lost, handle))
    guard !starts.isEmpty else { return }
    let places = places(starts, handle)
    // All of the assignment is given anew, for librdkafka has no other way to set a partition going that it has stopped. The others go on
    // where they are; what was fetched of them already is fetched again.
    let code = handle.withList(places) { rd_kafka_assign(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      logger.warning("partitions cannot be read on yet: \(String(cString: rd_kafka_err2str(code)))")
      return
    }
    state.withLock { state in
      for (partition, start) in starts {
        state.unresolved.remove(partition)
        state.begun[partition] = start.offset
      }
    }
    for start in starts.values { report(start) }
  }

  /// Where each of the partitions that are held is to go on.
  private func places(_ starts: [TopicPartition: StartOffset], _ handle: ClientHandle) -> [(TopicPartition, offset: Int64)] {
    let held = assignment.partitions
    let positions = positions(held, handle)
    let begun = state.withLock { $0.begun }
    // -1001 has librdkafka ask for the committed offset.
    return held.map { ($0, offset: starts[$0]?.offset ?? positions[$0] ?? begun[$0] ?? -1001) }
  }

  /// What the application would read next, of partitions of which it has read something.
  private func positions(_ partitions: Set<TopicPartition>, _ handle: ClientHandle) -> [TopicPartition: Int64] {
    let entries = handle.withList(partitions.map { ($0, offset: Int64(-1001)) }) { list in
      rd_kafka_position(handle.pointer, list) == RD_KAFKA_RESP_ERR_NO_ERROR ? list.entries : []
    }
    return (entries ?? []).reduce(into: [:]) { if $1.offset >= 0 { $0[$1.partition] = $1.offset } }
  }

  /// - Parameter positions: where reading stood, which is later than what is committed.
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

  /// The offsets that the brokers have of the group; nil where they do not say.
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
    // What is still in hand was read before the gap, and must not be committed behind it.
    assignment.add([gap.partition])
    progress.restart(gap.partition, at: gap.resumed)
    let dimensions = [("group", group), ("topic", gap.partition.topic)]
    Counter(label: "kafka_consumer_offset_resets_total", dimensions: dimensions + [("cause", gap.cause.rawValue)]).increment()
    if let count = gap.count, gap.cause == .deleted {
      Counter(label: "kafka_messages_skipped_total", dimensions: dimensions).increment(by: count)
    }
    logger.log(level: gap.cause == .neverRead ? .notice : .error, "the group has not read all messages: \(gap)")
    found.yield(gap)
  }
}
