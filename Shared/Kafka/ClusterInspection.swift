import CKafka
import Logging
import Models

/// Looks at a cluster's topics and at how far consumer groups have come, without taking part in anything.
public struct ClusterInspection: Sendable {
  private let configuration: KafkaConfiguration
  private let client: AdministrationClient
  private let logger: Logger

  /// A topic as the brokers have it.
  public struct FoundTopic: Sendable, Hashable {
    public var partitions: Int
    /// Its settings by their names, `retention.ms`.
    public var settings: [String: String]

    public init(partitions: Int, settings: [String: String]) {
      self.partitions = partitions
      self.settings = settings
    }
  }

  /// Where a group stands on a partition.
  public struct Position: Sendable, Hashable {
    /// The next offset that the group will read; nil where it has committed none.
    public var committed: Int64?
    /// The first offset that there is, and the one behind the last.
    public var low: Int64
    public var high: Int64

    public init(committed: Int64?, low: Int64, high: Int64) {
      self.committed = committed
      self.low = low
      self.high = high
    }

    /// Whether the group's offset is none of the partition's: messages were deleted before they were read, or the topic was created anew.
    public var isOutOfRange: Bool { committed.map { $0 < low || $0 > high } ?? false }

    /// How many messages the group has still to read.
    public var lag: Int64 { max(0, high - max(committed ?? low, low)) }
  }

  /// - Throws: ``KafkaError`` where librdkafka refuses the configuration. No broker has to be there.
  public init(_ configuration: KafkaConfiguration, logger: Logger) throws {
    self.configuration = configuration
    self.logger = logger
    client = try AdministrationClient(configuration, logger: logger)
  }

  /// Those of `topics` that exist, by name.
  ///
  /// - Throws: ``KafkaError`` where no broker answers in time.
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

  /// Where `group` stands on every partition of topics that exist.
  ///
  /// - Parameter partitions: how many each topic has.
  public func positions(
    of group: String, on partitions: [String: Int], timeout: Duration = .seconds(10)
  ) async throws -> [TopicPartition: Position] {
    // A consumer that never subscribes: it knows the group's name and is no member.
    let handle = try ClientHandle(
      RD_KAFKA_CONSUMER, configuration, properties: ["group.id": group, "enable.auto.commit": "false"],
      callbacks: ClientCallbacks(logger: logger, failed: { [logger] _, reason in logger.debug("inspection: \(reason)") }))
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

  private static func check(_ code: rd_kafka_resp_err_t, _ action: String, _ handle: ClientHandle, _ topic: String?) throws(KafkaError) {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    throw KafkaError(code, action: action, brokers: handle.brokers, topic: topic)
  }
}
