import CKafka
import Foundation
import Logging
import Metrics
import Synchronization

/// The librdkafka client of a producer, with the thread that serves its delivery reports. After a fatal error the client is replaced.
final class DeliveringClient: Sendable {
  private enum Phase {
    case live(ClientHandle)
    /// The client had a fatal error. Messages wait for its successor.
    case replacing
    case closed
  }

  private struct State {
    var phase: Phase
    var nextSequence: UInt64 = 0
    /// Messages that wait for the next client.
    var waiting: [Delivery] = []
    /// The topics that the current client knows.
    var topics: Set<String> = []
    /// Set once the client is closing: messages that are not delivered by then fail.
    var stopBy: ContinuousClock.Instant?
    var closing: [CheckedContinuation<Void, Never>] = []
  }

  private let configuration: KafkaConfiguration
  private let properties: [String: String]
  private let deliveryTimeout: Duration
  private let limit: InFlightLimit
  private let logger: Logger
  private let state: Mutex<State>
  /// Messages that a failed client returned. Filled and emptied on the serving thread.
  private let undelivered = Mutex<[Delivery]>([])
  private let sent = Counter(label: "kafka_messages_sent_total")
  private let failed = Counter(label: "kafka_messages_failed_total")
  private let replaced = Counter(label: "kafka_producers_replaced_total")
  private let deliveryTime = Metrics.Timer(label: "kafka_delivery_seconds")

  /// How often a message is produced again after fatal errors before it fails.
  private static let maximumAttempts = 5

  init(_ configuration: KafkaConfiguration, deliveryTimeout: Duration, limit: InFlightLimit, logger: Logger) throws {
    self.configuration = configuration
    self.deliveryTimeout = deliveryTimeout
    self.limit = limit
    self.logger = logger
    properties = [
      "enable.idempotence": "true",
      "acks": "all",
      // Lingering only adds latency under low load, and under high load batches form anyway.
      "linger.ms": "0",
      "message.timeout.ms": String(max(deliveryTimeout.milliseconds, 1)),
      "message.max.bytes": String(16 << 20),
      // Messages to a topic that never existed fail after this time, and at once if it existed before.
      "topic.metadata.propagation.max.ms": "5000",
      // Messages are similar JSON, so batches shrink to a fraction on the network and on the brokers' disks.
      "compression.codec": "lz4",
      // `InFlightLimit` bounds messages in flight. librdkafka's own bounds are set so high that they are never reached.
      "queue.buffering.max.messages": "10000000",
      "queue.buffering.max.kbytes": "2097151",
      // The hash of Java clients, so that the partition of a key does not depend on the client.
      "partitioner": "murmur2_random",
    ]
    state = Mutex(State(phase: .replacing))
    let first = try makeHandle()
    state.withLock { $0.phase = .live(first) }
    DedicatedThread.start("kafka-producer") { self.serve(first) }
  }

  /// Accepts a message for delivery. Its slot in the limit is released when its delivery completes.
  func enqueue(_ message: OutgoingMessage, size: Int, completion: DeliveryCompletion) {
    let (delivery, failure) = state.withLock { state in
      state.nextSequence += 1
      let delivery = Delivery(
        message, completion: completion, size: size, acceptedAt: .now, sequence: state.nextSequence)
      switch state.phase {
      case .live(let handle):
        let failure = produce(delivery, on: handle)
        if state.topics.insert(message.topic).inserted { fetchMetadata(of: message.topic, handle) }
        guard let failure, failure.isFatal else { return (delivery, failure) }
        state.waiting.append(delivery)
        return (delivery, nil)
      case .replacing:
        state.waiting.append(delivery)
        return (delivery, nil)
      case .closed:
        return (delivery, .closed(action: "produce", brokers: configuration.bootstrapServers))
      }
    }
    if let failure { complete(delivery, failure) }
  }

  /// Delivers accepted messages for at most `flush`, then ends the serving thread.
  func close(flush: Duration) async {
    await withCheckedContinuation { continuation in
      let isClosed = state.withLock { state in
        if case .closed = state.phase { return true }
        state.closing.append(continuation)
        state.stopBy = min(state.stopBy ?? .now + flush, .now + flush)
        return false
      }
      if isClosed { continuation.resume() }
    }
  }

  /// Closes the client without waiting.
  func stop(flush: Duration) {
    state.withLock { $0.stopBy = min($0.stopBy ?? .now + flush, .now + flush) }
  }
}

// MARK: - The serving thread

extension DeliveringClient {
  private func serve(_ first: ClientHandle) {
    var handle = first
    while true {
      rd_kafka_poll(handle.pointer, 100)
      if let error = handle.fatalError(action: "produce") {
        guard let successor = replacement(of: handle, because: error) else { break }
        handle = successor
      }
      let mayStop = state.withLock { state in
        guard let stopBy = state.stopBy else { return false }
        return stopBy <= .now || rd_kafka_outq_len(handle.pointer) == 0
      }
      if mayStop { break }
    }
    end(handle)
  }

  /// Creates a new client and produces all undelivered messages of the old one with it, in order.
  private func replacement(of old: ClientHandle, because error: KafkaError) -> ClientHandle? {
    logger.error("the producer had a fatal error and is replaced: \(error)")
    replaced.increment()
    state.withLock { $0.phase = .replacing }
    drain(old)
    while true {
      do {
        let successor = try makeHandle()
        resume(on: successor)
        return successor
      } catch {
        logger.error("the producer cannot be replaced yet: \(error)")
      }
      let isStopping = state.withLock { state in state.stopBy.map { $0 <= .now } ?? false }
      if isStopping { return nil }
      Thread.sleep(forTimeInterval: 1)
    }
  }

  /// Takes all messages back from a client. Messages that were sent already may still be acknowledged in that time.
  private func drain(_ handle: ClientHandle) {
    let rounds: [(flags: Int32, timeout: Duration)] = [
      (RD_KAFKA_PURGE_F_QUEUE, .seconds(1)), (RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT, .seconds(10)),
    ]
    for round in rounds {
      rd_kafka_purge(handle.pointer, round.flags)
      let deadline = ContinuousClock.now + round.timeout
      while rd_kafka_outq_len(handle.pointer) > 0, .now < deadline { rd_kafka_poll(handle.pointer, 50) }
    }
  }

  private func resume(on successor: ClientHandle) {
    let failures = state.withLock { state in
      let returned = undelivered.withLock { undelivered in
        defer { undelivered = [] }
        return undelivered
      }
      let waiting = (returned + state.waiting).sorted { $0.sequence < $1.sequence }
      state.waiting = []
      state.topics = []
      state.phase = .live(successor)
      return waiting.compactMap { delivery in produce(delivery, on: successor).map { (delivery, $0) } }
    }
    for (delivery, failure) in failures { complete(delivery, failure) }
  }

  private func end(_ handle: ClientHandle) {
    let (waiting, closing) = state.withLock { state in
      defer { (state.waiting, state.closing) = ([], []) }
      state.phase = .closed
      return (state.waiting, state.closing)
    }
    drain(handle)
    let returned = undelivered.withLock { $0 }
    for delivery in returned + waiting {
      complete(delivery, .closed(action: "produce", brokers: configuration.bootstrapServers))
    }
    for continuation in closing { continuation.resume() }
  }
}

// MARK: - One message

extension DeliveringClient {
  private func makeHandle() throws(KafkaError) -> ClientHandle {
    let logger = logger
    return try ClientHandle(
      RD_KAFKA_PRODUCER, configuration, properties: properties,
      callbacks: ClientCallbacks(
        logger: logger,
        failed: { code, reason in
          // The serving thread handles and logs fatal errors.
          guard code != RD_KAFKA_RESP_ERR__FATAL else { return }
          ClientErrors.log(code, reason, of: "producer", logger)
        },
        delivered: { [weak self] client, report in self?.delivered(report, by: client) }))
  }

  /// Fetches the metadata of a topic that the client uses for the first time. librdkafka would do that itself, but up to a second later (a
  /// timer in `rd_kafka_topic_scan_all`), which is also what happens if no broker answers here.
  private func fetchMetadata(of topic: String, _ handle: ClientHandle) {
    DedicatedThread.start("kafka-topic") { [logger] in
      do {
        _ = try handle.partitions(of: topic, action: "find the topic", timeout: .seconds(5))
      } catch {
        logger.debug("\(error)")
      }
    }
  }

  /// Produces the message with librdkafka. Returns nil if librdkafka has accepted it.
  private func produce(_ delivery: Delivery, on handle: ClientHandle) -> KafkaError? {
    let opaque = Unmanaged.passRetained(delivery)
    let code = handle.produce(delivery.message, opaque: opaque.toOpaque())
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    // There is no delivery report for a message that was not accepted.
    opaque.release()
    // After a fatal error, the client rejects messages with its code, and the successor accepts them.
    var error = KafkaError(
      code, action: "produce", brokers: handle.brokers, topic: delivery.message.topic, partition: delivery.message.partition,
      isFatal: handle.hasFatalError)
    error.isNotPersisted = delivery.attempt == 0
    return error
  }

  /// Handles a delivery report. This is the only place where an accepted message is released.
  private func delivered(_ report: UnsafePointer<rd_kafka_message_t>, by client: OpaquePointer) {
    guard let opaque = report.pointee._private else { return }
    let delivery = Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
    let code = report.pointee.err
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return complete(delivery, nil) }
    let isReturned =
      code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT
      || rd_kafka_fatal_error(client, nil, 0) != RD_KAFKA_RESP_ERR_NO_ERROR
    if isReturned, delivery.attempt < Self.maximumAttempts, .now - delivery.acceptedAt < deliveryTimeout {
      undelivered.withLock { $0.append(delivery.nextAttempt()) }
      return
    }
    var error = KafkaError(
      code, action: "produce", brokers: configuration.bootstrapServers, topic: delivery.message.topic, partition: report.pointee.partition)
    // An earlier client may have sent it.
    error.isNotPersisted = delivery.attempt == 0 && rd_kafka_message_status(report) == RD_KAFKA_MSG_STATUS_NOT_PERSISTED
    complete(delivery, error)
  }

  private func complete(_ delivery: Delivery, _ failure: KafkaError?) {
    if failure == nil { sent.increment() } else { failed.increment() }
    deliveryTime.recordNanoseconds((ContinuousClock.now - delivery.acceptedAt).nanoseconds)
    limit.release(size: delivery.size)
    delivery.completion(failure)
  }
}
