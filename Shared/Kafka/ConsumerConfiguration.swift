import Models

/// The topics of a ``Consumer``, its group membership, and its batch sizes.
public struct ConsumerConfiguration: Sendable {
  /// Where reading starts on a partition for which the group has no offset.
  public enum OffsetReset: String, Sendable {
    /// At the first message.
    case earliest
    /// After the last message.
    case latest
  }

  /// The consumer group (`group.id`).
  public var group: String
  /// The static member id (`group.instance.id`). It stays the same across restarts, so that a restart within the session timeout moves no
  /// partition. It has to be unique in the group: the broker fences an earlier process with the same id.
  public var instance: String
  /// The topics to read.
  public var topics: [Topic]
  /// The maximum number of messages in a batch.
  public var maximumBatch: Int
  /// The size, in bytes, at which a batch is complete.
  public var maximumBatchBytes: Int
  /// Where reading starts on a partition for which the group has no offset.
  public var offsetReset: OffsetReset
  /// How long the broker delays a fetch until there are ``fetchBytes`` to send (`fetch.wait.max.ms`), for larger batches of work that is not
  /// urgent. Zero: messages are sent at once.
  public var fetchInterval: Duration
  /// The number of bytes that end a ``fetchInterval`` early (`fetch.min.bytes`).
  public var fetchBytes: Int
  /// How long a member may send no heartbeat before its partitions are assigned to others (`session.timeout.ms`).
  public var sessionTimeout: Duration
  /// The committed offsets that the service has recorded itself. If the brokers have no committed offset, these distinguish a group whose topic
  /// was deleted and recreated from one that starts for the first time.
  public var recordedOffsets: [TopicPartition: Int64]

  /// The default session timeout: longer than a restart takes, and shorter than a request waits for identity-store.
  public static let defaultSessionTimeout = Duration.seconds(12)

  /// Creates a configuration. By default it reads from the first message, fetches immediately, and has batches of at most 512 messages or 32 MiB.
  public init(
    group: String, instance: String, topics: [Topic], maximumBatch: Int = 512, maximumBatchBytes: Int = 32 << 20,
    offsetReset: OffsetReset = .earliest, fetchInterval: Duration = .zero, fetchBytes: Int = 64 << 10,
    sessionTimeout: Duration = ConsumerConfiguration.defaultSessionTimeout, recordedOffsets: [TopicPartition: Int64] = [:]
  ) {
    self.group = group
    self.instance = instance
    self.topics = topics
    self.maximumBatch = maximumBatch
    self.maximumBatchBytes = maximumBatchBytes
    self.offsetReset = offsetReset
    self.fetchInterval = fetchInterval
    self.fetchBytes = fetchBytes
    self.sessionTimeout = sessionTimeout
    self.recordedOffsets = recordedOffsets
  }

  var properties: [String: String] {
    Self.fetching.merging(fetchInterval == .zero ? [:] : delayedFetches) { _, new in new }.merging([
      "group.id": group,
      "group.instance.id": instance,
      "partition.assignment.strategy": "range",
      // `StartOffsets` decides where to start, so that no skipped message goes unnoticed.
      "auto.offset.reset": "error",
      "session.timeout.ms": String(sessionTimeout.milliseconds),
      "heartbeat.interval.ms": String(min(3000, sessionTimeout.milliseconds / 6)),
      // The consumer polls while a batch is processed, so a live process never exceeds this.
      "max.poll.interval.ms": String(max(300_000, sessionTimeout.milliseconds)),
      // How soon a topic is found that is created, or recreated, after the consumer.
      "topic.metadata.refresh.interval.ms": "10000",
    ]) { _, new in new }
  }

  /// The properties of ``fetchInterval``.
  private var delayedFetches: [String: String] {
    ["fetch.wait.max.ms": String(fetchInterval.milliseconds), "fetch.min.bytes": String(fetchBytes)]
  }

  /// The properties of all clients that read messages: offsets are committed explicitly, and messages are fetched at once.
  static let fetching = [
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "fetch.wait.max.ms": "500",
    "fetch.min.bytes": "1",
    // Also the delay of a partition whose messages are not consumed fast enough.
    "fetch.error.backoff.ms": "50",
    "fetch.message.max.bytes": String(4 << 20),
    "fetch.max.bytes": String(64 << 20),
    "receive.message.max.bytes": String(100 << 20),
    "queued.max.messages.kbytes": "65536",
  ]
}
