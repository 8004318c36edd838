import CKafka
import Logging
import Models

/// Reads the topics of a cluster, and reads and sets the offsets of consumer groups, without joining a group.
public struct ClusterInspection: Sendable {
  private let configuration: KafkaConfiguration
  private let client: AdministrationClient
  private let logger: Logger

  /// A topic as it exists on the brokers.
  public struct FoundTopic: Sendable, Hashable {
    /// The number of partitions.
    public var partitions: Int
    /// The settings by name, for example `retention.ms`.
    public var settings: [String: String]

    /// Creates the description of a topic.
    public init(partitions: Int, settings: [String: String]) {
      self.partitions = partitions
      self.settings = settings
    }
  }

  /// The position of a group on a partition.
  public struct Position: Sendable, Hashable {
    /// The committed offset: the next that the group will read; nil if there is none.
    public var committed: Int64?
    /// The offset of the first message.
    public var low: Int64
    /// The offset after the last message.
    public var high: Int64

    /// Creates the position of a group on a partition with the offsets from `low` to `high`.
    public init(committed: Int64?, low: Int64, high: Int64) {
      self.committed = committed
      self.low = low
      self.high = high
    }

    /// Whether the committed offset is outside of the partition: messages were deleted before they were read, or the topic was recreated.
    public var isOutOfRange: Bool { committed.map { $0 < low || $0 > high } ?? false }

    /// The number of messages that the group has not read.
    public var lag: Int64 { max(0, high - max(committed ?? low, low)) }
  }

  /// Creates an inspection, which connects at the first request.
  ///
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
  public init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    self.configuration = configuration
    self.logger = logger
    client = try AdministrationClient(configuration, logger: logger)
  }

  /// The existing ones of `topics`, by name.
  ///
  /// - Throws: ``KafkaError`` if no broker answers in time.
  public func topics(_ topics: [Topic], timeout: Duration = .seconds(10)) async throws -> [String: FoundTopic] {
    try await DedicatedThread.run("kafka-inspection") { [client] in
      let deadline = ContinuousClock.now + timeout
      let partitions = try client.handle.partitions(action: "list topics", timeout: timeout)
      let settings = try client.settings(of: topics.filter { partitions[$0.name] != nil }, until: deadline)
      var found: [String: FoundTopic] = [:]
      for topic in topics {
        guard let count = partitions[topic.name] else { continue }
        found[topic.name] = FoundTopic(partitions: count, settings: settings[topic.name] ?? [:])
      }
      return found
    }
  }

  /// The positions of a group.
  ///
  /// - Parameter partitions: The number of partitions of each topic; all topics have to exist.
  /// - Throws: ``KafkaError`` if no broker answers in time.
  public func positions(
    of group: String, on partitions: [String: Int], timeout: Duration = .seconds(10)
  ) async throws -> [TopicPartition: Position] {
    let handle = try groupClient(group)
    return try await DedicatedThread.run("kafka-inspection") { [handle] in
      let all = partitions.flatMap { topic, count in (0..<Int32(count)).map { TopicPartition(topic: topic, partition: $0) } }
      var positions: [TopicPartition: Position] = [:]
      for partition in all {
        var (low, high): (Int64, Int64) = (0, 0)
        let code = rd_kafka_query_watermark_offsets(
          handle.pointer, partition.topic, partition.partition, &low, &high, Int32(clamping: timeout.milliseconds))
        try Self.check(code, "read the end of the partition", handle, partition.topic)
        positions[partition] = Position(committed: nil, low: low, high: high)
      }
      let committed = try handle.withList(all.map { ($0, offset: Int64(-1001)) }) { list in
        try Self.check(
          rd_kafka_committed(handle.pointer, list, Int32(clamping: timeout.milliseconds)), "read the offsets of group '\(group)'", handle,
          nil)
        return list.entries
      }
      for entry in committed ?? [] where entry.offset >= 0 { positions[entry.partition]?.committed = entry.offset }
      return positions
    }
  }

  /// Sets the offsets at which a group without members continues.
  ///
  /// - Throws: ``KafkaError``: ``KafkaError/isAboutMembers`` while the group has members. A member that has ended counts until its session
  ///   times out.
  public func commit(_ offsets: [TopicPartition: Int64], of group: String) async throws {
    let handle = try groupClient(group)
    try await DedicatedThread.run("kafka-inspection") { [handle] in
      let code = handle.withList(offsets.map { ($0.key, offset: $0.value) }) { rd_kafka_commit(handle.pointer, $0, 0) }
      try Self.check(code ?? RD_KAFKA_RESP_ERR__FAIL, "set the offsets of group '\(group)'", handle, nil)
    }
  }

  /// A consumer that does not subscribe, and so does not join the group.
  private func groupClient(_ group: String) throws(KafkaError) -> ClientHandle {
    try ClientHandle(
      RD_KAFKA_CONSUMER, configuration, properties: ["group.id": group, "enable.auto.commit": "false"],
      callbacks: ClientCallbacks(logger: logger, failed: { [logger] _, reason in logger.debug("inspection: \(reason)") }))
  }

  private static func check(_ code: rd_kafka_resp_err_t, _ action: String, _ handle: ClientHandle, _ topic: String?) throws(KafkaError) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    throw KafkaError(code, action: action, brokers: handle.brokers, topic: topic)
  }
}

/// Checks whether a broker can be reached, for the readiness of a process.
public struct Reachability: Sendable {
  private let client: AdministrationClient

  /// Creates a check, which connects at the first use.
  ///
  /// - Throws: ``KafkaError`` if librdkafka rejects the configuration.
  public init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    client = try AdministrationClient(configuration, logger: logger)
  }

  /// Requests the metadata of the cluster from a broker.
  ///
  /// - Returns: nil if a broker answers within `timeout`, otherwise a description of the problem.
  public func check(timeout: Duration = .seconds(2)) async -> String? {
    do {
      _ = try await DedicatedThread.run("kafka-reachability") { [client] in
        try client.handle.partitions(action: "reach a broker", timeout: timeout)
      }
      client.resetFailure()
      return nil
    } catch {
      return client.causeOfFailure().map { "\(error): \($0)" } ?? "\(error)"
    }
  }
}
