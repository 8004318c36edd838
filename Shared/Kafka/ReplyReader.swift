import CKafka
import Foundation
import Logging
import Models
import Synchronization

/// The thread of a ``RequestReply``: finds this process's partition of the reply topic and its end, reads on from there, and ends
/// the requests whose deadline has passed.
final class ReplyReader: Sendable {
  private enum Phase {
    case locating
    case ready(partition: Int32)
    case ended
  }

  private struct State {
    var phase = Phase.locating
    var nextID: UInt64 = 0
    var waiting: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    var isStopping = false
    var isStoppingWhenIdle = false
  }

  /// How late a request may learn that its deadline has passed.
  private static let expiryInterval = Duration.milliseconds(50)

  let topic: String
  private let instance: Int
  private let pending: PendingRequests
  private let logger: Logger
  private let handle: ClientHandle
  private let state = Mutex(State())

  init(_ configuration: KafkaConfiguration, topic: String, instance: Int, pending: PendingRequests, logger: Logger) throws {
    self.topic = topic
    self.instance = instance
    self.pending = pending
    self.logger = logger
    handle = try ClientHandle(
      RD_KAFKA_CONSUMER, configuration,
      properties: ConsumerConfiguration.fetching.merging([
        // librdkafka wants a name to assign under; no group is joined and no offset is committed.
        "group.id": "\(configuration.clientID)-replies",
        // Where the broker lost our place, rather read replies again than miss one.
        "auto.offset.reset": "earliest",
      ]) { _, new in new },
      callbacks: ClientCallbacks(
        logger: logger,
        failed: { code, reason in
          let level: Logger.Level = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ? .warning : .debug
          logger.log(level: level, "reply reader: \(reason)")
        }))
    rd_kafka_poll_set_consumer(handle.pointer)
  }

  /// The partition that replies come to; nil until its end is known, and after the reader has ended.
  var partition: Int32? {
    state.withLock { state in
      if case .ready(let partition) = state.phase { partition } else { nil }
    }
  }

  /// Reads until it is stopped.
  ///
  /// - Throws: ``KafkaError`` where the reader cannot go on.
  func run() async throws {
    let outcome: Result<Void, KafkaError> = await withCheckedContinuation { continuation in
      DedicatedThread.start("kafka-replies") { continuation.resume(returning: self.loop()) }
    }
    try outcome.get()
  }

  func stop() {
    state.withLock { $0.isStopping = true }
  }

  func stopWhenIdle() {
    state.withLock { $0.isStoppingWhenIdle = true }
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
          case .locating:
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
    if let (partition, end) = locate() {
      outcome = assign(partition, from: end)
      if case .success = outcome {
        logger.info("replies are read", metadata: ["kafka.partition": "\(topic)[\(partition)]", "kafka.offset": "\(end)"])
        enter(.ready(partition: partition)) { $0.resume() }
      }
      var nextExpiry = ContinuousClock.now
      while case .success = outcome, !mayStop() {
        outcome = take(handle.poll(timeout: 20))
        guard .now >= nextExpiry else { continue }
        pending.expire(.now)
        nextExpiry = .now + Self.expiryInterval
      }
    }
    enter(.ended) { $0.resume(throwing: closed) }
    pending.fail(closed)
    rd_kafka_consumer_close(handle.pointer)
    return outcome
  }

  private func mayStop() -> Bool {
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

  /// The partition and its end; waits for the broker and the topic for as long as it takes.
  private func locate() -> (partition: Int32, end: Int64)? {
    var lastSaid: KafkaError.Code?
    while !mayStop() {
      do {
        return try partitionAndEnd()
      } catch {
        if lastSaid != error.code { logger.warning("waiting for the partition for replies: \(error)") }
        lastSaid = error.code
        Thread.sleep(forTimeInterval: 0.2)
      }
    }
    return nil
  }

  private func partitionAndEnd() throws(KafkaError) -> (partition: Int32, end: Int64) {
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
    return (partition, high)
  }

  private func assign(_ partition: Int32, from offset: Int64) -> Result<Void, KafkaError> {
    let place = [(TopicPartition(topic: topic, partition: partition), offset: offset)]
    let code = handle.withList(place) { rd_kafka_assign(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return .success(()) }
    return .failure(KafkaError(code, action: "read replies", brokers: handle.brokers, topic: topic, partition: partition))
  }

  /// Takes in what polling found; fails where the client can read no more.
  private func take(_ polled: Polled) -> Result<Void, KafkaError> {
    switch polled {
    case .nothing: break
    case .notice(let code, let reason):
      if let error = handle.fatalError(action: "read replies") { return .failure(error) }
      logger.warning("\(KafkaError(code, action: "read replies", brokers: handle.brokers, topic: topic, reason: reason))")
    case .message(let message):
      guard let id = message.header("ce_correlationid") else {
        logger.warning("a message without correlation id is ignored", metadata: ["kafka.offset": "\(message.offset)"])
        return .success(())
      }
      do {
        pending.settle(id, .success(try message.cloudEvent()))
      } catch {
        logger.error("a reply is ignored: \(error)", metadata: ["kafka.offset": "\(message.offset)"])
      }
    }
    return .success(())
  }
}
