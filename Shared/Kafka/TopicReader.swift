import CKafka
import Logging
import Models

/// Reads the current content of topics, without joining a consumer group.
public struct TopicReader: Sendable {
  private let configuration: KafkaConfiguration
  private let logger: Logger

  /// Creates a reader, which connects at the first request.
  public init(_ configuration: KafkaConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  /// The messages on a topic up to its current end, transformed by `transform`, which may skip messages. Empty if the topic does not exist.
  ///
  /// - Parameter timeout: How long to wait for the brokers, and for the next message.
  /// - Throws: ``KafkaError`` if no broker answers in time.
  public func messages<Value: Sendable>(
    on topic: String, timeout: Duration = .seconds(15), _ transform: @escaping @Sendable (Message) -> Value?
  ) async throws -> [Value] {
    let handle = try handle()
    return try await DedicatedThread.run("kafka-reader") {
      guard let count = try handle.partitions(of: topic, action: "read the topic", timeout: timeout) else { return [] }
      var ends: [TopicPartition: Int64] = [:]
      var starts: [(TopicPartition, offset: Int64)] = []
      for number in 0..<Int32(count) {
        let partition = TopicPartition(topic: topic, partition: number)
        let (low, high) = try Self.bounds(of: partition, handle, timeout)
        guard low < high else { continue }
        starts.append((partition, low))
        ends[partition] = high
      }
      var values: [Value] = []
      try Self.read(from: starts, handle, timeout) { message in
        let partition = TopicPartition(topic: message.topic, partition: message.partition)
        guard let end = ends[partition] else { return !ends.isEmpty }
        if message.offset < end, let value = transform(message) { values.append(value) }
        if message.offset + 1 >= end { ends[partition] = nil }
        return !ends.isEmpty
      }
      return values
    }
  }

  /// The message at an offset; nil if the topic no longer retains it.
  ///
  /// - Throws: ``KafkaError`` if no broker answers in time.
  public func message(at offset: Int64, of partition: TopicPartition, timeout: Duration = .seconds(15)) async throws -> Message? {
    let handle = try handle()
    return try await DedicatedThread.run("kafka-reader") {
      guard let count = try handle.partitions(of: partition.topic, action: "read the topic", timeout: timeout),
        (0..<Int32(count)).contains(partition.partition)
      else { return nil }
      let (low, high) = try Self.bounds(of: partition, handle, timeout)
      guard (low..<max(low, high)).contains(offset) else { return nil }
      var found: Message?
      try Self.read(from: [(partition, offset)], handle, timeout) { message in
        if message.offset == offset { found = message }
        return false
      }
      return found
    }
  }

  private func handle() throws -> ClientHandle {
    try ClientHandle(
      RD_KAFKA_CONSUMER, configuration,
      // librdkafka requires a group id for an assignment. No group is joined and no offset is committed.
      properties: ConsumerConfiguration.fetching.merging(["group.id": "\(configuration.clientID)-reader"]) { _, new in new },
      callbacks: ClientCallbacks(logger: logger, failed: { [logger] _, reason in logger.debug("reader: \(reason)") }))
  }

  private static func bounds(of partition: TopicPartition, _ handle: ClientHandle, _ timeout: Duration) throws -> (low: Int64, high: Int64)
  {
    var (low, high): (Int64, Int64) = (0, 0)
    let code = rd_kafka_query_watermark_offsets(
      handle.pointer, partition.topic, partition.partition, &low, &high, Int32(clamping: timeout.milliseconds))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(
        code, action: "read the end of the partition", brokers: handle.brokers, topic: partition.topic, partition: partition.partition)
    }
    return (low, high)
  }

  /// Passes messages to `receive` until it returns false.
  private static func read(
    from starts: [(TopicPartition, offset: Int64)], _ handle: ClientHandle, _ timeout: Duration, _ receive: (Message) -> Bool
  ) throws {
    guard !starts.isEmpty else { return }
    rd_kafka_poll_set_consumer(handle.pointer)
    let code = handle.withList(starts) { rd_kafka_assign(handle.pointer, $0) } ?? RD_KAFKA_RESP_ERR__FAIL
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, action: "read the topic", brokers: handle.brokers) }
    defer { rd_kafka_consumer_close(handle.pointer) }
    var deadline = ContinuousClock.now + timeout
    while true {
      switch handle.poll(timeout: 200) {
      case .message(let message):
        deadline = .now + timeout
        guard receive(message) else { return }
      case .notice(let code, let reason, _) where handle.hasFatalError:
        throw KafkaError(code, action: "read the topic", brokers: handle.brokers, reason: reason)
      case .notice, .nothing:
        guard ContinuousClock.now < deadline else {
          throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, action: "read the topic", brokers: handle.brokers, topic: starts[0].0.topic)
        }
      }
    }
  }
}
