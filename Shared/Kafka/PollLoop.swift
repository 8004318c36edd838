import CKafka
import Foundation
import Logging
import Metrics
import Synchronization

/// The polling thread of a ``Consumer``: polls librdkafka, builds batches, and takes part in the group.
///
/// It also polls while the buffer is full, so that heartbeats and rebalances continue during the processing of a slow batch. If the buffer stays
/// full, the partitions are paused.
final class PollLoop: Sendable {
  /// A client, which is a member of the group from its subscription on, and what commits its offsets.
  private struct Member: Sendable {
    let handle: ClientHandle
    let commits: OffsetCommitter

    init(_ handle: ClientHandle) {
      self.handle = handle
      commits = OffsetCommitter(handle)
    }
  }

  private let member: Mutex<Member>
  let buffer: BatchBuffer
  let assignment: Assignment
  let progress: ConsumerProgress
  let starts: StartOffsets
  private let kafka: KafkaConfiguration
  private let configuration: ConsumerConfiguration
  private let callbacks: ClientCallbacks
  private let logger: Logger
  private let wakeup: PollWakeup
  private let isStopping = Atomic<Bool>(false)
  private let metrics: ConsumerMetrics

  /// How long a complete batch may wait to be taken before the partitions are paused, in seconds.
  private static let pauseDelay: TimeInterval = 0.5
  /// The longest wait for a message. Messages, rebalances and ``stop()`` end it.
  private static let pollMilliseconds: Int32 = 1000
  /// How long a batch waits for more messages if the previous one had several. Fewer and larger batches cost less per message.
  private static let linger = Duration.milliseconds(2)
  /// How long after it was fenced a member ends if it is fenced again.
  private static let fencingInterval = Duration.seconds(30)

  init(_ kafka: KafkaConfiguration, _ configuration: ConsumerConfiguration, logger: Logger) throws {
    var logger = logger
    logger[metadataKey: "kafka.group"] = "\(configuration.group)"
    let wakeup = PollWakeup()
    let (buffer, assignment) = (BatchBuffer { wakeup.wake() }, Assignment())
    let progress = ConsumerProgress(group: configuration.group, recorded: configuration.recordedOffsets)
    let starts = StartOffsets(configuration, progress: progress, assignment: assignment, logger: logger)
    let rebalance = Rebalance(buffer: buffer, assignment: assignment, starts: starts, logger: logger)
    self.kafka = kafka
    self.configuration = configuration
    self.logger = logger
    self.buffer = buffer
    self.assignment = assignment
    self.wakeup = wakeup
    metrics = ConsumerMetrics(group: configuration.group)
    self.progress = progress
    self.starts = starts
    callbacks = ClientCallbacks(
      logger: logger, emptyFetchDelay: EmptyFetchDelay(interval: configuration.fetchInterval, largeResponse: configuration.fetchBytes),
      failed: { [logger] code, reason in ClientErrors.log(code, reason, of: "consumer", logger) },
      rebalanced: rebalance.handle)
    let handle = try Self.connect(kafka, configuration, callbacks)
    member = Mutex(Member(handle))
    wakeup.attach(to: handle)
  }

  /// The present client.
  var handle: ClientHandle { member.withLock { $0.handle } }

  /// Commits offsets of the present client.
  var commits: OffsetCommitter { member.withLock { $0.commits } }

  private static func connect(
    _ kafka: KafkaConfiguration, _ configuration: ConsumerConfiguration, _ callbacks: ClientCallbacks
  ) throws(KafkaError) -> ClientHandle {
    let handle = try ClientHandle(RD_KAFKA_CONSUMER, kafka, properties: configuration.properties, callbacks: callbacks)
    rd_kafka_poll_set_consumer(handle.pointer)
    return handle
  }

  /// Joins the group and reads until ``stop()`` is called.
  func run() async -> Result<Void, KafkaError> {
    await withCheckedContinuation { continuation in
      DedicatedThread.start("kafka-consumer") { continuation.resume(returning: self.loop()) }
    }
  }

  /// Ends the sequence of batches, and then the thread.
  func stop() {
    isStopping.store(true, ordering: .releasing)
    buffer.end(.success(()))
    wakeup.wake()
  }

  private func loop() -> Result<Void, KafkaError> {
    var outcome = subscribe()
    var fenced: ContinuousClock.Instant?
    var nextID: UInt64 = 0
    var previous = 0
    while !isStopping.load(ordering: .acquiring) {
      if case .failure(let error) = outcome {
        guard error.code == .fencedInstanceID, fenced.map({ .now - $0 > Self.fencingInterval }) ?? true else { break }
        fenced = .now
        outcome = rejoin(after: error)
        continue
      }
      progress.measure(assignment, handle)
      starts.resume(handle)
      var builder = BatchBuilder()
      if !buffer.waitForRoom(until: Date(timeIntervalSinceNow: Self.pauseDelay)) {
        outcome = pollPaused(&builder)
      } else {
        outcome = fill(&builder, afterBatchOf: previous)
      }
      guard case .success = outcome, !builder.messages.isEmpty else { continue }
      nextID += 1
      guard let batch = builder.batch(id: nextID, under: assignment) else { continue }
      previous = batch.messages.count
      metrics.record(batch)
      progress.recordStart(
        batch.messages.reduce(into: [:]) { first, message in
          let partition = TopicPartition(topic: message.topic, partition: message.partition)
          if first[partition] == nil { first[partition] = .init(offset: message.offset, timestamp: message.timestamp) }
        })
      // The buffer may be full when messages arrive although their partitions are paused.
      while !buffer.hasRoom, !isStopping.load(ordering: .acquiring) {
        progress.measure(assignment, handle)
        _ = buffer.waitForRoom(until: Date(timeIntervalSinceNow: Self.pauseDelay))
      }
      buffer.append(batch)
    }
    buffer.end(outcome)
    close(handle)
    commits.stop()
    starts.finish()
    return outcome
  }

  /// Joins the group with a new client.
  ///
  /// A member can be fenced by itself: if it has heard nothing from the coordinator for the session timeout, because it was suspended or
  /// the coordinator was moved or stalled, librdkafka forgets its member id and joins as a new member. If the broker still knows the old one, it
  /// fences the heartbeats and commits that were sent in between, which librdkafka 2.0.2 takes for a second process. If there is one, the members
  /// fence each other until one of them is fenced twice.
  private func rejoin(after error: KafkaError) -> Result<Void, KafkaError> {
    logger.warning("the broker has fenced the consumer, which joins its group again", metadata: ["error": "\(error)"])
    let previous = member.withLock { $0 }
    close(previous.handle)
    buffer.dropReady()
    let partitions = Array(assignment.partitions)
    assignment.remove(partitions)
    starts.remove(partitions)
    do throws(KafkaError) {
      let next = Member(try Self.connect(kafka, configuration, callbacks))
      member.withLock { $0 = next }
      wakeup.attach(to: next.handle)
    } catch {
      return .failure(error)
    }
    previous.commits.stop()
    return subscribe()
  }

  private func subscribe() -> Result<Void, KafkaError> {
    let topics = configuration.topics.map { (TopicPartition(topic: $0.name, partition: -1), offset: Int64(-1001)) }
    let code = handle.withList(topics) { rd_kafka_subscribe(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return .success(()) }
    return .failure(
      KafkaError(
        code, action: "subscribe as group '\(configuration.group)'", brokers: handle.brokers,
        topic: configuration.topics.map(\.name).joined(separator: ", ")))
  }

  /// Waits for a message, then adds further messages until a task waits for the batch and the linger time has passed.
  private func fill(_ builder: inout BatchBuilder, afterBatchOf previous: Int) -> Result<Void, KafkaError> {
    let handle = handle
    let linger = previous > 1 ? Self.linger : .zero
    var closing = ContinuousClock.now
    while builder.messages.count < configuration.maximumBatch, builder.bytes < configuration.maximumBatchBytes {
      progress.measure(assignment, handle)
      switch handle.poll(timeout: timeout(builder, closing: closing)) {
      case .nothing:
        // The batch grows until a task waits for it.
        if builder.messages.isEmpty || isStopping.load(ordering: .acquiring) { return .success(()) }
        if buffer.hasWaiter, ContinuousClock.now >= closing { return .success(()) }
      case .message(let message):
        if builder.messages.isEmpty { closing = .now + linger }
        builder.add(message, under: assignment)
      case .notice(let code, let reason, let partition):
        if let error = fatalError(code, reason, partition) { return .failure(error) }
      }
    }
    return .success(())
  }

  /// The maximum wait for the next message, in milliseconds. The wait ends early when a task starts to wait for the batch.
  private func timeout(_ builder: BatchBuilder, closing: ContinuousClock.Instant) -> Int32 {
    guard !builder.messages.isEmpty, buffer.hasWaiter else { return Self.pollMilliseconds }
    return Int32(clamping: max(0, Int(((closing - .now) / .milliseconds(1)).rounded(.up))))
  }

  /// Polls with paused partitions until there is room. Messages that were fetched before may still arrive.
  private func pollPaused(_ builder: inout BatchBuilder) -> Result<Void, KafkaError> {
    let handle = handle
    var paused: Set<TopicPartition> = []
    defer { pause(paused, false) }
    while !isStopping.load(ordering: .acquiring), !buffer.hasRoom, builder.messages.count < configuration.maximumBatch {
      progress.measure(assignment, handle)
      let added = assignment.partitions.subtracting(paused)
      pause(added, true)
      paused.formUnion(added)
      switch handle.poll(timeout: 20) {
      case .nothing: break
      case .message(let message): builder.add(message, under: assignment)
      case .notice(let code, let reason, let partition):
        if let error = fatalError(code, reason, partition) { return .failure(error) }
      }
    }
    return .success(())
  }

  private func pause(_ partitions: Set<TopicPartition>, _ pause: Bool) {
    let assigned = partitions.intersection(assignment.partitions).map { ($0, offset: Int64(-1001)) }
    guard !assigned.isEmpty else { return }
    let code = handle.withList(assigned) {
      pause ? rd_kafka_pause_partitions(handle.pointer, $0) : rd_kafka_resume_partitions(handle.pointer, $0)
    }
    if let code, code != RD_KAFKA_RESP_ERR_NO_ERROR {
      logger.warning("partitions cannot be \(pause ? "paused" : "resumed"): \(String(cString: rd_kafka_err2str(code)))")
    }
  }

  /// Logs an error that polling returned. Returns it if it ends the consumer.
  private func fatalError(_ code: rd_kafka_resp_err_t, _ reason: String, _ partition: TopicPartition?) -> KafkaError? {
    let action = "read as '\(configuration.instance)' of group '\(configuration.group)'"
    if let error = handle.fatalError(action: action) {
      // A member that is fenced for the first time joins again.
      if error.code != .fencedInstanceID { logger.error("\(error)") }
      return error
    }
    if code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, let partition {
      starts.markUnresolved(partition)
      logger.info("\(partition) cannot be read at the current offset: \(reason)")
      return nil
    }
    logger.warning("\(KafkaError(code, action: action, brokers: handle.brokers, reason: reason))")
    return nil
  }

  /// Closes the client. A static member sends no leave request, so its partitions wait for its next start.
  private func close(_ handle: ClientHandle) {
    let code = rd_kafka_consumer_close(handle.pointer)
    if code != RD_KAFKA_RESP_ERR_NO_ERROR {
      logger.notice("the consumer did not close cleanly: \(String(cString: rd_kafka_err2str(code)))")
    }
  }
}

/// Interrupts a waiting poll from another thread.
private final class PollWakeup: Sendable {
  /// Weak, since the client holds the buffer, which holds this object.
  private struct Reference {
    weak var handle: ClientHandle?
  }

  private let reference = Mutex(Reference())

  func attach(to handle: ClientHandle) {
    reference.withLock { $0.handle = handle }
  }

  func wake() {
    reference.withLock { $0.handle?.interruptPoll() }
  }
}
