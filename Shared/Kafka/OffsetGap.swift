import Models

/// Messages that a consumer group can no longer read, because they were deleted before it read them.
public struct OffsetGap: Sendable, Hashable {
  /// How they came to be missed.
  public enum Cause: String, Sendable, Hashable, Codable {
    /// Deleted by retention, or by an operator, while the group was behind.
    case deleted
    /// The topic was created anew, or lost its end: it has fewer messages than the group has read. Also where the brokers forgot the group's
    /// offsets, which Kafka does when it deletes a topic.
    case recreated
    /// The group has never read the partition, and its first messages were gone by then.
    case neverRead = "never-read"
  }

  public var partition: TopicPartition
  public var cause: Cause
  /// The next offset that the group would have read.
  public var expected: Int64
  /// Where it went on.
  public var resumed: Int64

  public init(partition: TopicPartition, cause: Cause, expected: Int64, resumed: Int64) {
    self.partition = partition
    self.cause = cause
    self.expected = expected
    self.resumed = resumed
  }

  /// How many messages were missed; nil where nobody can know.
  public var count: Int64? { cause == .recreated ? nil : max(0, resumed - expected) }
}

extension OffsetGap: CustomStringConvertible {
  public var description: String {
    switch cause {
    case .deleted: "messages \(expected) to \(resumed - 1) of \(partition) were deleted before they were read"
    case .recreated: "\(partition) was created anew, and its messages from \(expected) on may be lost"
    case .neverRead: "messages 0 to \(resumed - 1) of \(partition) were deleted before the group began"
    }
  }
}

/// Where a consumer group starts to read a partition.
struct StartOffset: Sendable, Hashable {
  var offset: Int64
  var gap: OffsetGap?

  /// - Parameters:
  ///   - committed: the group's offset at the brokers; nil where they have none.
  ///   - recorded: what the group had come to by its own record; nil or 0 where it has read nothing.
  ///   - low: the first offset that there is.
  ///   - high: the offset after the last.
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
