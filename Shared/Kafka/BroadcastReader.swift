import CKafka
import Foundation
import Logging
import Models
import ServiceLifecycle
import Synchronization

/// Reads the messages that arrive on one partition from now on, without a consumer group: every reader gets every message.
///
/// Messages may be missed while the topic is missing, or after the broker has deleted them. For messages that are only of interest at once.
public final class BroadcastReader: Service, Sendable {
  private let topic: String
  private let partition: Int32
  private let brokers: String
  private let handle: ClientHandle
  private let missingTopic: MissingTopicFlag
  private let isStopping = Atomic<Bool>(false)
  private let onReady: @Sendable () -> Void
  private let onMessage: @Sendable (Message) -> Void
  private let logger: Logger

  /// Set by the error callback when the topic is missing.
  private final class MissingTopicFlag: Sendable {
    let isSet = Atomic<Bool>(false)
  }

  private static let pollMilliseconds: Int32 = 1000
  /// The delay between fetches from a broker without `fetch.wait.max.ms`; see ``KafkaConfiguration/pausesEmptyFetches``.
  private static let fetchInterval = Duration.milliseconds(50)

  /// Creates a reader, which connects when ``run()`` starts.
  ///
  /// - Parameters:
  ///   - onReady: Called when later messages will be read: at the start, and again after the topic was missing. On the reader's thread.
  ///   - onMessage: Called with each message, in their order, on the reader's thread.
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
  public init(
    _ configuration: KafkaConfiguration, topic: Topic, partition: Int32, logger: Logger, onReady: @escaping @Sendable () -> Void,
    onMessage: @escaping @Sendable (Message) -> Void
  ) throws {
    self.topic = topic.name
    self.partition = partition
    self.logger = logger
    self.onReady = onReady
    self.onMessage = onMessage
    brokers = configuration.bootstrapServers
    let missingTopic = MissingTopicFlag()
    self.missingTopic = missingTopic
    handle = try ClientHandle(
      RD_KAFKA_CONSUMER, configuration,
      properties: ConsumerConfiguration.fetching.merging([
        // librdkafka requires a group id for an assignment. No group is joined and no offset is committed.
        "group.id": "\(configuration.clientID)-\(topic.name)",
        "auto.offset.reset": "latest",
      ]) { _, new in new },
      callbacks: ClientCallbacks(
        logger: logger, emptyFetchDelay: EmptyFetchDelay(interval: Self.fetchInterval),
        failed: { [logger, missingTopic] code, reason in
          ClientErrors.log(code, reason, of: "broadcast reader", logger)
          // For a manual assignment, librdkafka only reports here that the partition has disappeared.
          if KafkaError(code, action: "read messages", brokers: "").isAboutMissingTopic {
            missingTopic.isSet.store(true, ordering: .relaxed)
          }
        }))
    rd_kafka_poll_set_consumer(handle.pointer)
  }

  deinit {
    stop()
  }

  /// Reads until graceful shutdown.
  ///
  /// - Throws: ``KafkaError`` if the reader cannot continue.
  public func run() async throws {
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        let outcome: Result<Void, KafkaError> = await withCheckedContinuation { continuation in
          DedicatedThread.start("kafka-broadcast") { continuation.resume(returning: self.loop()) }
        }
        try outcome.get()
      } onGracefulShutdown: {
        self.stop()
      }
    } onCancel: {
      self.stop()
    }
  }

  private func stop() {
    isStopping.store(true, ordering: .relaxed)
    handle.interruptPoll()
  }
}

// MARK: - The thread

extension BroadcastReader {
  /// Why reading has ended.
  private enum End {
    case stopped
    case topicLost
    case failed(KafkaError)
  }

  private var shouldStop: Bool { isStopping.load(ordering: .relaxed) }

  private func loop() -> Result<Void, KafkaError> {
    defer { rd_kafka_consumer_close(handle.pointer) }
    while let end = findEnd() {
      // Serves pending errors about the earlier loss.
      _ = handle.poll(timeout: 0)
      missingTopic.isSet.store(false, ordering: .relaxed)
      let start = [(TopicPartition(topic: topic, partition: partition), offset: end)]
      let code = handle.withList(start) { rd_kafka_assign(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return .failure(failure(code)) }
      onReady()
      switch read() {
      case .stopped: return .success(())
      case .failed(let error): return .failure(error)
      case .topicLost:
        logger.warning("messages cannot be read, because the topic '\(topic)' is missing")
        rd_kafka_assign(handle.pointer, nil)
      }
    }
    return .success(())
  }

  /// Reads until the reader is stopped, the topic disappears, or the client fails.
  private func read() -> End {
    while !shouldStop {
      switch handle.poll(timeout: Self.pollMilliseconds) {
      case .nothing: break
      case .message(let message): onMessage(message)
      case .notice(let code, let reason, _):
        if let error = handle.fatalError(action: "read messages") { return .failed(error) }
        let error = failure(code, reason)
        logger.warning("\(error)")
        if error.isAboutMissingTopic { return .topicLost }
      }
      if missingTopic.isSet.load(ordering: .relaxed) { return .topicLost }
    }
    return .stopped
  }

  /// The end of the partition. Waits until the broker and the topic are available; nil when the reader is stopped.
  private func findEnd() -> Int64? {
    var lastLogged: KafkaError.Code?
    while !shouldStop {
      do {
        return try end()
      } catch {
        if lastLogged != error.code { logger.warning("waiting for the end of '\(topic)': \(error)") }
        lastLogged = error.code
        Thread.sleep(forTimeInterval: 0.2)
      }
    }
    return nil
  }

  private func end() throws(KafkaError) -> Int64 {
    guard let count = try handle.partitions(of: topic, action: "find the end of the topic", timeout: .seconds(2)), partition < count else {
      throw failure(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    }
    var (low, high): (Int64, Int64) = (0, 0)
    let code = rd_kafka_query_watermark_offsets(handle.pointer, topic, partition, &low, &high, 2000)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw failure(code) }
    return high
  }

  private func failure(_ code: rd_kafka_resp_err_t, _ reason: String? = nil) -> KafkaError {
    KafkaError(code, action: "read messages", brokers: brokers, topic: topic, partition: partition, reason: reason)
  }
}
