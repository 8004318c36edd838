import Kafka
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle
import Synchronization

/// Publishes the messages of an ``Outbox``: each at least once, in order per key. Published messages are deleted.
///
/// A process publishes from memory what it has just committed (see ``publishing(_:)``). It reads the table only at start, on request (see
/// ``wake()``), and after an error: then everything that the table has is published first, oldest first. Rows of published messages are
/// deleted by later transactions of the process, or after ``deletionDelay`` if there are none.
///
/// Several processes may publish the same table. Each publishes what it has committed, in the order of the commits, and at start or when it takes
/// over partitions, also what others have left in the table. A message may arrive twice, even after later messages of its key: for example
/// from a process that was paused while its partitions moved, and publishes late what their next owner has found in the table. But none arrives
/// for the first time after a later one of its key. Consumers recognise repetitions by the version.
///
/// A message that the broker rejects permanently, for example because of its size, is moved to the table of dead letters. If its type has large
/// fields, it is replaced by the same event without them (``Models/CloudEvent/withoutLargeFields()``). Messages that the broker has accepted are
/// not sent again if others of the same batch fail.
public final class OutboxRelay: Service, Sendable {
  let pool: PostgresPool
  let outbox: Outbox
  let producer: Producer
  let consumer: Consumer?
  let batchSize: Int
  let deletionDelay: Duration
  let logger: Logger
  let queue = Mutex(PublicationQueue())
  /// Held while messages are posted, so that they are posted in the order of the queue.
  private let order = Mutex<Void>(())
  /// The partitions whose rows this process publishes, and the revision of their assignment.
  let owned = Mutex<(partitions: [Int32], revision: UInt64?)>(([], nil))
  let (reads, read) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  let (deletions, deletion) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  let (windows, window) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  let published: Counter
  let setAside: Counter
  let outage = Outage()

  /// The delay between attempts to read the table.
  static let retryDelay = Duration.seconds(1)
  /// The interval at which the table is read while a topic does not accept messages.
  static let pollInterval = Duration.milliseconds(100)
  /// How long transactions of the former owner of a partition, or of a connection that was lost during the commit, may still be open. This is
  /// longer than the time limit of a batch.
  private static let openTransactionLimit = Duration.seconds(10)
  /// How long posted messages are waited for at shutdown.
  static let shutdownLimit = Duration.seconds(5)

  /// Creates a relay.
  ///
  /// - Parameters:
  ///   - table: The table with its schema, `identity.outbox`.
  ///   - consumer: The consumer whose partitions the rows have. When partitions are assigned to it, the relay publishes what their former owner
  ///     has left. Without it, the relay publishes only rows without partition.
  ///   - batch: The maximum number of messages that are read or deleted together.
  ///   - deletionDelay: The delay after which rows of published messages are deleted, if no transaction has done it by then.
  public init(
    pool: PostgresPool, table: String, producer: Producer, consumer: Consumer? = nil, batch: Int = 1000,
    deletionDelay: Duration = .seconds(5), logger: Logger
  ) {
    self.pool = pool
    outbox = Outbox(table: table)
    self.producer = producer
    self.consumer = consumer
    batchSize = batch
    self.deletionDelay = deletionDelay
    self.logger = logger
    published = Counter(label: "kafka_outbox_published_total", dimensions: [("table", table)])
    setAside = Counter(label: "kafka_outbox_set_aside_total", dimensions: [("table", table)])
  }

  /// The table of the outbox with its schema, `identity.outbox`.
  public var table: String { outbox.table }

  /// A description of the problem if messages could not be published for longer than `limit`, for the readiness of a process; nil otherwise.
  public func standstill(longerThan limit: Duration) -> String? {
    guard let (since, problem) = outage.current, ContinuousClock.now - since > limit else { return nil }
    return "'\(outbox.table)' has not been published for \((ContinuousClock.now - since).components.seconds) s: \(problem)"
  }
}

// MARK: - For transactions

extension OutboxRelay? {
  /// As ``OutboxRelay/publishing(_:)``; without a relay, only commits, and the messages stay in the outbox.
  public nonisolated(nonsending) func publishing<Value>(
    _ commit: nonisolated(nonsending) ([(Statement, [PostgresValue])]) async throws -> (Value, [StoredMessage])
  ) async throws -> Value {
    guard let self else { return try await commit([]).0 }
    return try await self.publishing(commit)
  }
}

extension OutboxRelay {
  /// Commits a transaction that stores messages, and publishes them. Does not wait until they are published.
  ///
  /// - Parameter commit: Commits and returns the stored messages. Its parameter is to be executed in the same transaction: the
  ///   statement that deletes the rows of published messages; empty if there are none. Call this method only when the transaction holds the locks of
  ///   all that it changes, since the order of the calls is the order of the messages.
  /// - Throws: The errors of `commit`. Nothing is lost if the outcome is unknown: the relay finds the rows in the table.
  public nonisolated(nonsending) func publishing<Value>(
    _ commit: nonisolated(nonsending) ([(Statement, [PostgresValue])]) async throws -> (Value, [StoredMessage])
  ) async throws -> Value {
    noteAssignment()
    let (place, published) = queue.withLock { ($0.open(), $0.takeDeletion(batchSize)) }
    do {
      let (value, messages) = try await commit(published.isEmpty ? [] : [outbox.deletion(of: published)])
      end(place, messages, published, isDeleted: true)
      return value
    } catch {
      if (error as? PostgresError)?.isOutcomeUnknown ?? true {
        readTable(for: Self.openTransactionLimit)
      }
      end(place, [], published, isDeleted: false)
      throw error
    }
  }

  /// Publishes messages that were just committed. Call it in the order of the commits.
  public func publish(_ messages: [StoredMessage]) {
    guard !messages.isEmpty else { return }
    noteAssignment()
    end(queue.withLock { $0.open() }, messages, [], isDeleted: true)
  }

  /// Makes the relay read the table, because it has messages that this process has not passed to ``publish(_:)``: for example those of a
  /// process that has crashed. Messages that are committed later are published after them.
  public func wake() {
    queue.withLock { $0.readTable() }
    read.yield()
  }

  /// Makes the relay read the table, including the rows of newly assigned partitions, if the assignment of the consumer has changed.
  ///
  /// The former owner of a partition may have ended before it published its last messages, and may have open transactions for which this
  /// process waits. Until these have ended, all messages are taken from the table, which has those of both processes in their order.
  func noteAssignment() {
    guard let consumer else { return }
    // Read before the partitions, so that a change in between is noticed the next time.
    let revision = consumer.assignmentRevision
    guard owned.withLock({ $0.revision }) != revision else { return }
    let partitions = consumer.assignment.map(\.partition)
    owned.withLock { $0 = (partitions, revision) }
    readTable(for: Self.openTransactionLimit)
  }

  private func readTable(for duration: Duration) {
    queue.withLock { $0.readTable(until: .now + duration) }
    read.yield()
    window.yield()
  }

  private func end(_ place: Int, _ messages: [StoredMessage], _ deleted: [Int], isDeleted: Bool) {
    queue.withLock { queue in
      queue.endDeletion(deleted, isDeleted: isDeleted)
      queue.commit(place, messages)
    }
    post()
  }

  /// Posts all messages that are next.
  func post() {
    order.withLock { _ in
      while let (place, messages) = queue.withLock({ $0.nextToPost() }) {
        let isPosted = producer.post(messages.map(\.message)) { [weak self] in self?.complete(place, $0) }
        if !isPosted { queue.withLock { $0.leaveToTable(place) } }
      }
    }
    signal()
  }

  /// Records the outcome of posted messages. Called on a thread of the producer, or while messages are posted.
  private func complete(_ place: Int, _ failures: [Int: KafkaError]) {
    let (failure, count) = queue.withLock { ($0.complete(place, failures), $0.takeAcknowledged()) }
    if count > 0 { published.increment(by: count) }
    if let failure {
      logger.warning("messages are not published", metadata: ["table": "\(outbox.table)", "error": "\(failure)"])
    }
    signal()
  }

  /// Wakes the loops that have work.
  private func signal() {
    let (needsTable, hasPublished) = queue.withLock { ($0.source == .table, $0.hasPublished) }
    if needsTable { read.yield() }
    if hasPublished { deletion.yield() }
  }
}
