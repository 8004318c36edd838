/// Messages that a ``Consumer`` read together, in order per partition.
public struct Batch: Sendable {
  /// The messages.
  public let messages: [Message]
  /// Identifies the batch among those of its consumer.
  let id: UInt64
  /// What to commit for each partition when the batch is processed.
  let positions: [TopicPartition: Position]

  struct Position: Sendable {
    /// The offset after the last message.
    var next: Int64
    /// The term in which the messages were read; see ``Assignment``.
    var term: UInt64
  }

  /// The batch without its messages, which is sufficient to commit it later.
  public var withoutMessages: Batch { Batch(messages: [], id: id, positions: positions) }
}

/// The batches of a ``Consumer``, in order. The sequence can be iterated once.
///
/// It ends when the consumer, or the service that iterates it, shuts down gracefully or is cancelled.
///
/// - Throws: ``KafkaError`` if the consumer cannot continue, for example with ``KafkaError/Code/fencedInstanceID``.
public struct Batches: AsyncSequence, Sendable {
  /// A batch.
  public typealias Element = Batch
  /// The error of a consumer that cannot continue.
  public typealias Failure = KafkaError

  let buffer: BatchBuffer

  /// Creates the iterator.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(buffer: buffer) }

  /// The iterator over the batches.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let buffer: BatchBuffer

    /// The next batch; nil at the end.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(KafkaError) -> Batch? {
      try await buffer.next(isolation: actor).get()
    }

    /// The next batch; nil at the end.
    public mutating func next() async throws(KafkaError) -> Batch? {
      try await buffer.next(isolation: nil).get()
    }
  }
}
