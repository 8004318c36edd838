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
  /// How long after an answer that brought little the broker is asked again, so that what comes meanwhile is fetched, and makes a batch,
  /// together: for work that nobody waits for.
  public var fetchInterval: Duration
  /// After how long without a heartbeat the group gives the member's partitions to others.
  public var sessionTimeout: Duration

  public init(
    group: String, instance: String, topics: [Topic], maximumBatch: Int = 512, maximumBatchBytes: Int = 32 << 20,
    offsetReset: OffsetReset = .earliest, fetchInterval: Duration = .zero, sessionTimeout: Duration = .seconds(30)
  ) {
    self.group = group
    self.instance = instance
    self.topics = topics
    self.maximumBatch = maximumBatch
    self.maximumBatchBytes = maximumBatchBytes
    self.offsetReset = offsetReset
    self.fetchInterval = fetchInterval
    self.sessionTimeout = sessionTimeout
  }

  var properties: [String: String] {
    Self.fetching.merging([
      "group.id": group,
      "group.instance.id": instance,
      "partition.assignment.strategy": "range",
      "auto.offset.reset": offsetReset.rawValue,
      "session.timeout.ms": String(sessionTimeout.milliseconds),
      "heartbeat.interval.ms": String(min(3000, sessionTimeout.milliseconds / 3)),
      // The consumer polls while a batch is handled, so that this is never met in a process that is alive.
      "max.poll.interval.ms": String(max(300_000, sessionTimeout.milliseconds)),
      // A topic that is made after the consumer is found this soon.
      "topic.metadata.refresh.interval.ms": "30000",
    ]) { _, new in new }
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
