import Models

/// A range of messages that a consumer group missed because they were deleted before it read them.
public struct OffsetGap: Sendable, Hashable {
  /// Why the messages were missed.
  public enum Cause: String, Sendable, Hashable, Codable, CaseIterable {
    /// Retention, or an operator, deleted them while the group was behind.
    case deleted
    /// The topic was recreated or truncated: it has fewer messages than the group has read. Also if the brokers lost the offsets of the group,
    /// which Kafka deletes together with a topic.
    case recreated
    /// The group had never read the partition, and its first messages were deleted before.
    case neverRead = "never-read"
  }

  /// The partition.
  public var partition: TopicPartition
  /// Why the messages were missed.
  public var cause: Cause
  /// The next offset that the group would have read.
  public var expected: Int64
  /// The offset at which it continued.
  public var resumed: Int64

  /// Creates the gap from `expected` to `resumed`.
  public init(partition: TopicPartition, cause: Cause, expected: Int64, resumed: Int64) {
    self.partition = partition
    self.cause = cause
    self.expected = expected
    self.resumed = resumed
  }

  /// The number of missed messages; nil if it is unknown.
  public var count: Int64? { cause == .recreated ? nil : max(0, resumed - expected) }
}

extension OffsetGap: CustomStringConvertible {
  /// A description of the gap for the log.
  public var description: String {
    switch cause {
    case .deleted: "messages \(expected) to \(resumed - 1) of \(partition) were deleted before they were read"
    case .recreated: "\(partition) was recreated, and its messages from \(expected) on may be lost"
    case .neverRead: "messages 0 to \(resumed - 1) of \(partition) were deleted before the group began"
    }
  }
}

/// The offset at which a consumer group starts to read a partition.
struct StartOffset: Sendable, Hashable {
  var offset: Int64
  var gap: OffsetGap?

  /// - Parameters:
  ///   - committed: The offset that the group committed; nil if the brokers have none.
  ///   - recorded: The offset that the service has recorded for the group; nil or 0 if the group has read nothing.
  ///   - low: The first offset of the partition.
  ///   - high: The offset after the last message.
  init(
    of partition: TopicPartition, committed: Int64?, recorded: Int64?, low: Int64, high: Int64, reset: ConsumerConfiguration.OffsetReset
  ) {
    func gap(_ cause: OffsetGap.Cause, _ expected: Int64) -> OffsetGap {
      OffsetGap(partition: partition, cause: cause, expected: expected, resumed: low)
    }
    if let committed {
      if committed < low {
        self.init(offset: low, gap: gap(.deleted, committed))
      } else if committed > high {
        self.init(offset: low, gap: gap(.recreated, committed))
      } else {
        self.init(offset: committed, gap: nil)
      }
    } else if reset == .latest {
      self.init(offset: high, gap: nil)
    } else if let recorded, recorded > 0 {
      self.init(offset: low, gap: gap(.recreated, recorded))
    } else {
      self.init(offset: low, gap: low > 0 ? gap(.neverRead, 0) : nil)
    }
  }

  private init(offset: Int64, gap: OffsetGap?) {
    self.offset = offset
    self.gap = gap
  }
}
