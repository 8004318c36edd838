/// Messages that a ``Consumer`` read together, in order per partition.
public struct Batch: Sendable {
  public let messages: [Message]
  /// Tells the consumer's batches apart.
  let id: UInt64
  /// Where each partition stands once the batch is handled.
  let positions: [TopicPartition: Position]

  struct Position: Sendable {
    /// The offset after the last message.
    var next: Int64
    /// Which assignment of the partition the messages came under; see ``Assignment``.
    var term: UInt64
  }

  /// The batch as far as it is needed to commit it: for who commits long after the messages are done with.
  public var withoutMessages: Batch { Batch(messages: [], id: id, positions: positions) }
}

/// The batches of a ``Consumer``, in order. To be iterated once.
///
/// Ends when the consumer, or the service that iterates it, shuts down gracefully or is cancelled.
///
/// - Throws: ``KafkaError`` where the consumer cannot go on, for example ``KafkaError/Code/fencedInstanceID``.
public struct Batches: AsyncSequence, Sendable {
  public typealias Element = Batch
  public typealias Failure = KafkaError

  let buffer: BatchBuffer

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer: buffer) }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let buffer: BatchBuffer

    public mutating func next(isolation actor: isolated (any Actor)?) async throws(KafkaError) -> Batch? {
      try await buffer.next(isolation: actor).get()
    }

    public mutating func next() async throws(KafkaError) -> Batch? {
      try await buffer.next(isolation: nil).get()
    }
  }
}
