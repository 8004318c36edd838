import CKafka
import Logging
import Models
import ServiceLifecycle
import Synchronization

/// A Kafka consumer that reads topics in batches, as a static member of a consumer group.
///
/// It joins its group when ``run()`` starts. Offsets are committed only by ``commit(_:)``. Messages that were read and not committed are read
/// again: by this process after a restart, or by the next owner of the partition. Within one run, a message is read again only if its partition
/// was revoked in between, also because the broker fenced the member. So code that fails to process a batch has to retry it or end the process.
public final class Consumer: Service, Sendable {
  /// The batches, to be iterated by one task. One batch is read ahead.
  public var batches: Batches { Batches(buffer: loop.buffer) }

  /// The number of uncommitted messages on the assigned partitions. It is measured every two seconds, with the end offsets of the last fetch.
  public var lag: Int64 { loop.progress.lag }

  /// Gaps of messages that the group missed because they were deleted, to be iterated by one task. Ends with the consumer.
  ///
  /// Each gap is logged and counted. Call ``acknowledge(_:)`` when a gap is recorded. Until the offset of the partition is committed, the gap is
  /// found again after each restart.
  public var gaps: AsyncStream<OffsetGap> { loop.starts.gaps }

  /// The last known committed offsets: of this process, and those of ``ConsumerConfiguration/recordedOffsets``.
  public var recordedOffsets: [TopicPartition: Int64] { loop.progress.recorded }

  /// A description of the problem if messages wait and there was no progress for longer than `limit`, or no commit for longer than
  /// `commitLimit`; nil otherwise. Used for the readiness of a process.
  public func standstill(longerThan limit: Duration, commitLimit: Duration = .seconds(600)) -> String? {
    guard let standstill = loop.progress.standstill else { return nil }
    if standstill.idle > limit {
      return "group '\(group)' has completed nothing for \(standstill.idle.components.seconds) s, with \(lag) messages before it"
    }
    if standstill.uncommitted > commitLimit {
      return "group '\(group)' has not moved for \(standstill.uncommitted.components.seconds) s, with \(lag) messages before it"
    }
    return nil
  }

  /// Records progress within a batch that takes long, before its offsets are committed.
  @Sendable public func noteProgress() {
    loop.progress.recordProgress()
  }

  private let loop: PollLoop
  /// The consumer group.
  public let group: String
  let logger: Logger

  /// Creates a consumer, which connects when ``run()`` starts.
  ///
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
  public init(_ kafka: KafkaConfiguration, _ configuration: ConsumerConfiguration, logger: Logger) throws {
    group = configuration.group
    self.logger = logger
    loop = try PollLoop(kafka, configuration, logger: logger)
  }

  deinit {
    loop.stop()
    loop.commits.stop()
  }

  /// The partitions that are assigned to this member.
  public var assignment: Set<TopicPartition> { loop.assignment.partitions }

  /// A number that changes when partitions are assigned or revoked.
  package var assignmentRevision: UInt64 { loop.assignment.revision }

  /// A new stream with an element for the present assignment, if there has been one, and one after each change.
  package var assignmentChanges: AsyncStream<Void> { loop.assignment.changes() }

  /// The number of partitions of a topic.
  ///
  /// - Throws: ``KafkaError``; it is retriable if the brokers do not answer, or if a partition has no leader.
  package func partitionCount(of topic: Topic) async throws -> Int {
    let handle = loop.handle
    let action = "count the partitions"
    let count = try await DedicatedThread.run("kafka-partitions") {
      try handle.partitions(of: topic.name, action: action, timeout: .seconds(10))
    }
    guard let count else {
      throw KafkaError(RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, action: action, brokers: handle.brokers, topic: topic.name)
    }
    return count
  }

  /// Reads until graceful shutdown. As a static member it stays in the group, so its partitions wait for its next start.
  ///
  /// - Throws: ``KafkaError`` if the consumer cannot continue, for example when the broker has fenced it twice within 30 seconds: another process
  ///   uses the same instance id.
  public func run() async throws {
    let loop = loop
    let outcome = await withTaskCancellationOrGracefulShutdownHandler {
      await loop.run()
    } onCancelOrGracefulShutdown: {
      loop.stop()
    }
    try outcome.get()
  }

  /// Commits the offsets of a batch that is processed. Waits while the broker is unavailable.
  ///
  /// Partitions that were revoked since the batch was read are skipped, which is logged: their new owner reads the messages again.
  ///
  /// - Throws: ``KafkaError`` if the broker rejects the commit, or with ``KafkaError/Code/closed`` after shutdown; `CancellationError`.
  public func commit(_ batch: Batch) async throws {
    try await commit([batch])
  }

  /// Commits the offsets of several batches, given in the order in which they were read, with one request.
  ///
  /// - Throws: The errors of committing one batch.
  public func commit(_ batches: [Batch]) async throws {
    defer { for batch in batches { loop.buffer.release(batch.id) } }
    var pause = Duration.milliseconds(100)
    while true {
      // Taken first: a member that joins again after it was fenced loses its partitions before its client is replaced.
      let commits = loop.commits
      let positions = positions(of: batches)
      guard !positions.isEmpty else { return }
      let code = try await send(positions, with: commits)
      guard code != RD_KAFKA_RESP_ERR_NO_ERROR else {
        loop.progress.recordCommit(positions)
        return
      }
      let error = KafkaError(code, action: "commit offsets of group '\(group)'", brokers: loop.handle.brokers)
      if Self.lost.contains(code.rawValue) {
        logger.warning("the batch will be read again, because the member has lost its partitions: \(error)")
        return
      }
      guard error.isRetriable else { throw error }
      logger.warning("\(error); trying again")
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(1))
    }
  }

  /// Commits the offset after a gap, or a later one, so that the gap is not found again.
  ///
  /// - Throws: ``KafkaError`` if the broker rejects the commit; `CancellationError`.
  public func acknowledge(_ gap: OffsetGap) async throws {
    let commits = loop.commits
    // The partition belongs to another member now, which finds the gap itself.
    guard loop.assignment.term(of: gap.partition) != nil else { return }
    let offset = loop.progress.recorded(gap.partition) ?? gap.resumed
    let code = try await send([(gap.partition, offset: offset)], with: commits)
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR, !Self.lost.contains(code.rawValue) else { return }
    throw KafkaError(code, action: "commit offsets of group '\(group)'", brokers: loop.handle.brokers)
  }

  /// Commits offsets once and returns librdkafka's result code.
  ///
  /// - Throws: ``KafkaError/Code/closed`` after shutdown; `CancellationError`.
  private func send(_ positions: [(TopicPartition, offset: Int64)], with commits: OffsetCommitter) async throws -> rd_kafka_resp_err_t {
    do {
      return try await commits.commit(positions)
    } catch is KafkaError where loop.commits !== commits {
      // The member was fenced and has joined again, without the partitions of the batch.
      return RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID
    }
  }

  /// The last positions of the batches, on the partitions that were not revoked since they were read.
  private func positions(of batches: [Batch]) -> [(TopicPartition, offset: Int64)] {
    let last = batches.reduce(into: [TopicPartition: Batch.Position]()) { $0.merge($1.positions) { _, later in later } }
    return last.compactMap { partition, position in
      guard loop.assignment.term(of: partition) == position.term else {
        logger.info("no offset is committed for \(partition), which was revoked", metadata: ["kafka.group": "\(group)"])
        return nil
      }
      return (partition, position.next)
    }
  }

  /// Commit errors after which the member is no longer the one that read the batch.
  private static let lost = Set(
    [
      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__NO_OFFSET, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST,
    ].map(\.rawValue))
}

extension Consumer {
  /// Processes batches one after the other, and commits the offsets of each.
  ///
  /// Returns at graceful shutdown, also when `process` is interrupted by it: the batch is not committed then, and is read again at the next
  /// start. Offsets that cannot be committed are logged, so `process` has to be idempotent.
  ///
  /// - Throws: ``KafkaError`` when the consumer cannot continue; the errors of `process`.
  public func processBatches(_ process: (Batch) async throws -> Void) async throws {
    do {
      for try await batch in batches {
        try await process(batch)
        do {
          try await commit(batch)
        } catch {
          logger.warning("offsets not committed", metadata: ["kafka.group": "\(group)", "error": "\(error)"])
        }
      }
    } catch is CancellationError where Task.isShuttingDownGracefully {
      logger.notice("stopped with an unfinished batch; it is read again at the next start", metadata: ["kafka.group": "\(group)"])
    }
  }
}
