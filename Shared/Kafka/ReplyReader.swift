import CKafka
import Foundation
import Logging
import Models
import Synchronization

/// The thread of a ``RequestReply``: finds this process's partition of the reply topic, reads it from its end, and expires requests whose
/// deadline has passed.
final class ReplyReader: Sendable {
  private enum Phase {
    case locating
    case ready(partition: Int32)
    /// The topic or the partition has disappeared; the reader looks for it again.
    case topicLost
    case ended
  }

  private struct State {
    var phase = Phase.locating
    var nextID: UInt64 = 0
    var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    var isStopping = false
    var isStoppingWhenIdle = false
  }

  /// The interval at which requests past their deadline are completed.
  private static let expiryInterval = Duration.milliseconds(50)
  private static let pendingMilliseconds: Int32 = 50
  /// Shorter than the grace of any deadline, since a request may become pending meanwhile.
  private static let idleMilliseconds: Int32 = 200

  let topic: String
  private let instance: Int
  private let pending: ReplyRegistry
  private let logger: Logger
  private let handle: ClientHandle
  private let state = Mutex(State())
  private let missingTopic: MissingTopicFlag

  /// Set by the error callback when the topic is missing.
  private final class MissingTopicFlag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  init(_ configuration: KafkaConfiguration, topic: String, instance: Int, pending: ReplyRegistry, logger: Logger) throws {
    self.topic = topic
    self.instance = instance
    self.pending = pending
    self.logger = logger
    let missingTopic = MissingTopicFlag()
    self.missingTopic = missingTopic
    handle = try ClientHandle(
      RD_KAFKA_CONSUMER, configuration,
      properties: ConsumerConfiguration.fetching.merging([
        // librdkafka requires a group id for an assignment. No group is joined and no offset is committed.
        "group.id": "\(configuration.clientID)-replies",
        // If the broker has lost the offset, replies are read again rather than missed.
        "auto.offset.reset": "earliest",
      ]) { _, new in new },
      callbacks: ClientCallbacks(
        logger: logger,
        failed: { [logger, missingTopic] code, reason in
          ClientErrors.log(code, reason, of: "reply reader", logger)
          // For a manual assignment, librdkafka only reports here that the partition has disappeared.
          if KafkaError(code, action: "read replies", brokers: "").isAboutMissingTopic {
            missingTopic.isSet.store(true, ordering: .relaxed)
          }
        }))
    rd_kafka_poll_set_consumer(handle.pointer)
  }

  /// The partition for replies; nil until its end is known, and after the reader has ended.
  var partition: Int32? {
    state.withLock { state in
      if case .ready(let partition) = state.phase { partition } else { nil }
    }
  }

  /// Whether the topic has disappeared.
  var isTopicLost: Bool {
    state.withLock { state in
      if case .topicLost = state.phase { true } else { false }
    }
  }

  /// Reads until it is stopped.
  ///
  /// - Throws: ``KafkaError`` if the reader cannot continue.
  func run() async throws {
    let outcome: Result<Void, KafkaError> = await withCheckedContinuation { continuation in
      DedicatedThread.start("kafka-replies") { continuation.resume(returning: self.loop()) }
    }
    try outcome.get()
  }

  /// Stops the reader.
  func stop() {
    state.withLock { $0.isStopping = true }
    handle.interruptPoll()
  }

  /// Stops the reader when no requests are pending.
  func stopWhenIdle() {
    state.withLock { $0.isStoppingWhenIdle = true }
    handle.interruptPoll()
  }

  func waitUntilReady() async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if Task.isCancelled { return .failure(CancellationError()) }
          switch state.phase {
          case .ready: return .success(())
          case .ended: return .failure(closed)
          case .locating, .topicLost:
            state.waiting[id] = continuation
            return nil
          }
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }

  private var closed: KafkaError { .closed(action: "read replies", brokers: handle.brokers) }
}

// MARK: - The thread

extension ReplyReader {
  private func loop() -> Result<Void, KafkaError> {
    var outcome = Result<Void, KafkaError>.success(())
    /// The last partition, and the offset after the last reply.
    var last: (partition: Int32, next: Int64)?
    while case .success = outcome, let (partition, low, end) = locate() {
      // Replies may be read again. A recreated topic is read from its start.
      var next = end
      if let last, last.partition == partition { next = last.next > end ? low : max(low, last.next) }
      // Serves pending errors about the earlier loss.
      _ = handle.poll(timeout: 0)
      missingTopic.isSet.store(false, ordering: .relaxed)
      outcome = assign(partition, from: next)
      guard case .success = outcome else { break }
      logger.info("reading replies", metadata: ["kafka.partition": "\(topic)[\(partition)]", "kafka.offset": "\(next)"])
      enter(.ready(partition: partition)) { $0.resume() }
      let reason = read(&next)
      last = (partition, next)
      guard case .topicLost = reason else {
        if case .failed(let error) = reason { outcome = .failure(error) }
        break
      }
      logger.error("replies cannot be read, because the topic '\(topic)' is missing", metadata: ["kafka.partition": "\(partition)"])
      // No task waits while the reader is ready. Later callers wait until it is ready again.
      state.withLock { $0.phase = .topicLost }
      rd_kafka_assign(handle.pointer, nil)
    }
    enter(.ended) { $0.resume(throwing: closed) }
    pending.fail(closed)
    rd_kafka_consumer_close(handle.pointer)
    return outcome
  }

  /// Why reading has ended.
  private enum End {
    case stopped
    case topicLost
    case failed(KafkaError)
  }

  /// Reads until the reader is stopped, the topic disappears, or the client fails.
  private func read(_ next: inout Int64) -> End {
    var nextExpiry = ContinuousClock.now
    while !shouldStop() {
      // A reply ends the wait. While no request is pending, nothing can expire.
      switch handle.poll(timeout: pending.count == 0 ? Self.idleMilliseconds : Self.pendingMilliseconds) {
      case .nothing: break
      case .message(let message):
        next = message.offset + 1
        receive(message)
      case .notice(let code, let reason, _):
        if let error = handle.fatalError(action: "read replies") { return .failed(error) }
        let error = KafkaError(code, action: "read replies", brokers: handle.brokers, topic: topic, reason: reason)
        logger.warning("\(error)")
        if error.isAboutMissingTopic { return .topicLost }
      }
      if missingTopic.isSet.load(ordering: .relaxed) { return .topicLost }
      guard .now >= nextExpiry else { continue }
      pending.expire(.now)
      nextExpiry = .now + Self.expiryInterval
    }
    return .stopped
  }

  private func shouldStop() -> Bool {
    let isIdle = pending.count == 0
    return state.withLock { $0.isStopping || ($0.isStoppingWhenIdle && isIdle) }
  }

  private func enter(_ phase: Phase, _ resume: (CheckedContinuation<Void, any Error>) -> Void) {
    let waiting = state.withLock { state in
      defer { state.waiting = [:] }
      state.phase = phase
      return state.waiting
    }
    waiting.values.forEach(resume)
  }

  /// The partition with its first offset and its end. Waits until the broker and the topic are available; nil when the reader is stopped.
  private func locate() -> (partition: Int32, low: Int64, end: Int64)? {
    var lastLogged: KafkaError.Code?
    while !shouldStop() {
      do {
        pending.expire(.now)
        return try partitionAndEnd()
      } catch {
        if lastLogged != error.code { logger.warning("waiting for the reply partition: \(error)") }
        lastLogged = error.code
        Thread.sleep(forTimeInterval: 0.2)
      }
    }
    return nil
  }

  private func partitionAndEnd() throws(KafkaError) -> (partition: Int32, low: Int64, end: Int64) {
    let action = "find the partition for replies"
    guard let count = try handle.partitions(of: topic, action: action, timeout: .seconds(2)) else {
      throw KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, action: action, brokers: handle.brokers, topic: topic)
    }
    let partition = Int32(instance % count)
    var (low, high): (Int64, Int64) = (0, 0)
    let code = rd_kafka_query_watermark_offsets(handle.pointer, topic, partition, &low, &high, 2000)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(code, action: action, brokers: handle.brokers, topic: topic, partition: partition)
    }
    return (partition, low, high)
  }

  private func assign(_ partition: Int32, from offset: Int64) -> Result<Void, KafkaError> {
    let start = [(TopicPartition(topic: topic, partition: partition), offset: offset)]
    let code = handle.withList(start) { rd_kafka_assign(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return .success(()) }
    return .failure(KafkaError(code, action: "read replies", brokers: handle.brokers, topic: topic, partition: partition))
  }

  private func receive(_ message: Message) {
    guard let id = message.header("ce_correlationid") else {
      logger.warning("ignored a message without a correlation id on the reply topic", metadata: ["kafka.offset": "\(message.offset)"])
      return
    }
    do {
      pending.complete(id, .success(try message.cloudEvent()))
    } catch {
      logger.error("ignored a malformed reply: \(error)", metadata: ["kafka.offset": "\(message.offset)"])
    }
  }
}
