import CKafka
import Logging
import ServiceLifecycle
import Synchronization

/// Reads topics as a static member of a consumer group, in batches.
///
/// Joins its group when ``run()`` begins. Offsets are committed by ``commit(_:)`` alone: what was read and not committed is read
/// again, by this process after a restart or by whoever gets its partitions. Within one run nothing is read twice, so a handler that
/// fails on a batch tries it again itself, or ends the process.
public final class Consumer: Service, Sendable {
  /// The batches, for one task to iterate. One batch is read ahead; the broker waits for the rest.
  public var batches: Batches { Batches(buffer: loop.buffer) }

  /// The messages on its partitions that are not committed, measured every two seconds and with what the last fetch told of the end.
  public var lag: Int64 { loop.progress.lag }

  /// Messages that the group missed because they were deleted, for one task to iterate; ends with the consumer.
  ///
  /// Each is logged and counted. Call ``acknowledge(_:)`` once a gap is recorded; until the partition's offset is committed, the gap
  /// is found again after a restart.
  public var gaps: AsyncStream<OffsetGap> { loop.starts.gaps }

  /// Where the group stands by what this process has committed, and by ``ConsumerConfiguration/recordedOffsets``.
  public var recordedOffsets: [TopicPartition: Int64] { loop.progress.recorded }

  /// What is wrong where messages wait and the work on none was completed for longer than `limit`, or no offset was committed for longer
  /// than `commitLimit`: for a process's readiness.
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

  /// Says that the work on a message, or on a part of one that takes long, is completed, before its offset is committed.
  @Sendable public func noteProgress() {
    loop.progress.completed()
  }

  private let loop: PollLoop
  private let commits: OffsetCommitter
  /// The consumer group.
  public let group: String
  let logger: Logger

  /// - Throws: ``KafkaError`` where librdkafka refuses the configuration. No broker has to be there.
  public init(_ kafka: KafkaConfiguration, _ configuration: ConsumerConfiguration, logger: Logger) throws {
    group = configuration.group
    self.logger = logger
    let loop = try PollLoop(kafka, configuration, logger: logger)
    self.loop = loop
    commits = OffsetCommitter(loop.handle)
  }

  deinit {
    loop.stop()
    commits.stop()
  }

  /// The partitions that the group has given to this member.
  public var assignment: Set<TopicPartition> { loop.assignment.partitions }

  /// Reads until graceful shutdown, then leaves the partitions to this member's next start.
  ///
  /// - Throws: ``KafkaError`` where the consumer cannot go on.
  public func run() async throws {
    let loop = loop
    let outcome = await withTaskCancellationOrGracefulShutdownHandler {
      await loop.run()
    } onCancelOrGracefulShutdown: {
      loop.stop()
    }
    commits.stop()
    try outcome.get()
  }

  /// Commits the offsets of a batch that is handled. Waits while the broker is away.
  ///
  /// A partition that was taken away since the batch was read is left out, with a line in the log: its new owner reads the messages
  /// again.
  ///
  /// - Throws: ``KafkaError`` where the broker refuses, or with ``KafkaError/Code/closed`` after shutdown; `CancellationError`.
  public func commit(_ batch: Batch) async throws {
    try await commit([batch])
  }

  /// Commits the offsets of batches that are handled, in the order in which they were read, at once.
  public func commit(_ batches: [Batch]) async throws {
    defer { for batch in batches { loop.buffer.giveBack(batch.id) } }
    var pause = Duration.milliseconds(100)
    while true {
      let positions = held(batches)
      guard !positions.isEmpty else { return }
      let code = try await commits.commit(positions)
      guard code != RD_KAFKA_RESP_ERR_NO_ERROR else {
        loop.progress.committed(positions)
        return
      }
      let error = KafkaError(code, action: "commit offsets of group '\(group)'", brokers: loop.handle.brokers)
      if Self.lost.contains(code.rawValue) {
        logger.warning("the batch is read again, for the group has moved on: \(error)")
        return
      }
      guard error.isRetriable else { throw error }
      logger.warning("\(error); trying again")
      try await Task.sleep(for: pause)
      pause = min(pause * 2, .seconds(1))
    }
  }

  /// Commits where reading went on behind a gap, or what was committed since, so that the gap is not found again.
  ///
  /// - Throws: ``KafkaError`` where the broker refuses; `CancellationError`.
  public func acknowledge(_ gap: OffsetGap) async throws {
    // Another member's by now: it finds the gap itself.
    guard loop.assignment.term(of: gap.partition) != nil else { return }
    let offset = loop.progress.recorded(gap.partition) ?? gap.resumed
    let code = try await commits.commit([(gap.partition, offset: offset)])
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR, !Self.lost.contains(code.rawValue) else { return }
    throw KafkaError(code, action: "commit offsets of group '\(group)'", brokers: loop.handle.brokers)
  }

  /// The batches' last positions on the partitions that are held since they were read.
  private func held(_ batches: [Batch]) -> [(TopicPartition, offset: Int64)] {
    let last = batches.reduce(into: [TopicPartition: Batch.Position]()) { $0.merge($1.positions) { _, later in later } }
    return last.compactMap { partition, position in
      guard loop.assignment.term(of: partition) == position.term else {
        logger.info("no offset is committed for \(partition), which was taken away", metadata: ["kafka.group": "\(group)"])
        return nil
      }
      return (partition, position.next)
    }
  }

  /// Errors of a commit that say that the member is not, or no longer, the one it was when it read the batch.
  private static let lost = Set(
    [
      RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
      RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, RD_KAFKA_RESP_ERR__NO_OFFSET, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST,
    ].map(\.rawValue))
}
