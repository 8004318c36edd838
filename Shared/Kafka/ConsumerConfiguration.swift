import Models

/// What a ``Consumer`` reads, and as whom.
public struct ConsumerConfiguration: Sendable {
  /// Where reading begins on a partition that the group has no offset for.
  public enum OffsetReset: String, Sendable {
    case earliest
    case latest
  }

  /// The consumer group, which shares the topics' partitions and keeps their offsets.
  public var group: String
  /// The static member id (`group.instance.id`): stable over a restart, so that a restart within the session timeout moves no
  /// partition; unique in the group, or the broker shuts the earlier process out.
  public var instance: String
  public var topics: [Topic]
  /// The most messages in a batch.
  public var maximumBatch: Int
  /// A batch is closed when it holds this many bytes or more.
  public var maximumBatchBytes: Int
  public var offsetReset: OffsetReset
  /// How long the broker holds a fetch back until there are 64 KiB to send (`fetch.wait.max.ms`, `fetch.min.bytes`), so that messages make
  /// batches: for work that nobody waits for. Zero: a message is sent as soon as it is there.
  public var fetchInterval: Duration
  /// After how long without a heartbeat the group gives the member's partitions to others (`session.timeout.ms`).
  public var sessionTimeout: Duration
  /// The offsets that the group had come to, as the service has them on record. Where the brokers have no committed offset, they tell a group
  /// whose topic was deleted and created again from one that starts for the first time.
  public var recordedOffsets: [TopicPartition: Int64]

  /// The default of `session.timeout.ms`: longer than a restart takes, and shorter than a request waits for identity-store.
  public static let defaultSessionTimeout = Duration.seconds(12)

  public init(
    group: String, instance: String, topics: [Topic], maximumBatch: Int = 512, maximumBatchBytes: Int = 32 << 20,
    offsetReset: OffsetReset = .earliest, fetchInterval: Duration = .zero,
    sessionTimeout: Duration = ConsumerConfiguration.defaultSessionTimeout, recordedOffsets: [TopicPartition: Int64] = [:]
  ) {
    self.group = group
    self.instance = instance
    self.topics = topics
    self.maximumBatch = maximumBatch
    self.maximumBatchBytes = maximumBatchBytes
    self.offsetReset = offsetReset
    self.fetchInterval = fetchInterval
    self.sessionTimeout = sessionTimeout
    self.recordedOffsets = recordedOffsets
  }

  var properties: [String: String] {
    Self.fetching.merging(fetchInterval == .zero ? [:] : gathering) { _, new in new }.merging([
      "group.id": group,
      "group.instance.id": instance,
      "partition.assignment.strategy": "range",
      // Where to start is decided by `StartOffsets`, so that no message is skipped without notice.
      "auto.offset.reset": "error",
      "session.timeout.ms": String(sessionTimeout.milliseconds),
      "heartbeat.interval.ms": String(min(3000, sessionTimeout.milliseconds / 6)),
      // The consumer polls while a batch is handled, so that this is never met in a process that is alive.
      "max.poll.interval.ms": String(max(300_000, sessionTimeout.milliseconds)),
      // A topic that is created after the consumer, or created again, is found this soon.
      "topic.metadata.refresh.interval.ms": "10000",
    ]) { _, new in new }
  }

  /// Has the broker hold fetches back.
  private var gathering: [String: String] {
    ["fetch.wait.max.ms": String(fetchInterval.milliseconds), "fetch.min.bytes": String(64 << 10)]
  }

  /// What every reader of messages sets: offsets are committed by hand, and a message is fetched as soon as it is there.
  static let fetching = [
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "fetch.wait.max.ms": "500",
    "fetch.min.bytes": "1",
    // Also the pause of a partition whose messages are not taken fast enough.
    "fetch.error.backoff.ms": "50",
    "fetch.message.max.bytes": String(4 << 20),
    "fetch.max.bytes": String(64 << 20),
    "receive.message.max.bytes": String(100 << 20),
    "queued.max.messages.kbytes": "65536",
  ]
}
