import Kafka
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle
import Synchronization

/// Publishes the messages of an ``Outbox``: each at least once, in order per key. Published messages are deleted.
///
/// A message that the broker rejects permanently, for example because of its size, is moved to the table of dead letters. If its type has large
/// fields, it is replaced by the same event without them (``Models/CloudEvent/withoutLargeFields()``). Messages that the broker has accepted are
/// not sent again if others of the same batch fail.
///
/// Of all processes that relay a table, one is the leader: the one that holds the advisory lock. The lock belongs to a connection, so it is
/// released as soon as the leader ends. A new leader may publish messages again, which consumers recognise by the version.
public final class OutboxRelay: Service, Sendable {
  private let pool: PostgresPool
  let outbox: Outbox
  let producer: Producer
  private let lockKey: Int64
  private let batchSize: Int
  private let linger: Duration
  private let interval: Duration
  let logger: Logger
  private let wakeups: AsyncStream<Void>
  private let wakeup: AsyncStream<Void>.Continuation
  private let published: Counter
  private let age: Gauge
  private let outage = Outage()

  /// Creates a relay.
  ///
  /// - Parameters:
  ///   - table: The table with its schema, `identity.outbox`.
  ///   - lockKey: The key of the advisory lock, which is the same in all processes and unique to the table.
  ///   - batch: The maximum number of messages that are published and deleted together.
  ///   - linger: The delay after ``wake()``, so that messages that are written in the meantime are sent together.
  ///   - interval: The interval at which the table is read without ``wake()``, and the lock is requested.
  public init(
    pool: PostgresPool, table: String, producer: Producer, lockKey: Int64, batch: Int = 1000,
    linger: Duration = .milliseconds(10), interval: Duration = .seconds(1), logger: Logger
  ) {
    self.pool = pool
    outbox = Outbox(table: table)
    self.producer = producer
    self.lockKey = lockKey
    batchSize = batch
    self.linger = linger
    self.interval = interval
    self.logger = logger
    (wakeups, wakeup) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    published = Counter(label: "kafka_outbox_published_total", dimensions: [("table", table)])
    age = Gauge(label: "kafka_outbox_oldest_seconds", dimensions: [("table", table)])
  }

  /// Makes the relay read the table soon, because a message was written.
  public func wake() {
    wakeup.yield()
  }

  /// Publishes messages that were just committed. Call it in the order of the commits.
  public func publish(_ messages: [StoredMessage]) {
    if !messages.isEmpty { wake() }
  }

  /// The table of the outbox with its schema, `identity.outbox`.
  public var table: String { outbox.table }

  /// A description of the problem if messages could not be published for longer than `limit`, for the readiness of a process. nil otherwise, and
  /// if another process is the leader.
  public func standstill(longerThan limit: Duration) -> String? {
    guard let (since, problem) = outage.current, ContinuousClock.now - since > limit else { return nil }
    return "'\(outbox.table)' has not been published for \((ContinuousClock.now - since).components.seconds) s: \(problem)"
  }

  /// Publishes until graceful shutdown. The remaining messages are left to the next leader.
  public func run() async throws {
    await withTaskGroup { group in
      group.addTask { [wakeup, interval] in
        await cancelWhenGracefulShutdown {
          while !Task.isCancelled {
            wakeup.yield()
            // Cancelled at shutdown. The stream ends then, so that the leader can finish its batch.
            do { try await Task.sleep(for: interval) } catch { break }
          }
          wakeup.finish()
        }
      }
      for await _ in wakeups {
        do {
          try await lead()
        } catch is CancellationError {
          break
        } catch {
          outage.begin("\(error)")
          logger.warning("the outbox cannot be relayed at the moment", metadata: ["table": "\(outbox.table)", "error": "\(error)"])
        }
      }
      group.cancelAll()
    }
  }

  /// Publishes as long as this process is the leader. Returns at once if another process is the leader, and at shutdown.
  private func lead() async throws {
    try await pool.withExclusiveConnection { session in
      guard try await session.query(Self.tryLock, [.int(lockKey)]).first?.bool(0) == true else { return outage.end() }
      logger.info("relaying the outbox", metadata: ["table": "\(outbox.table)"])
      _ = try await session.query(Self.doNotWaitForDisk)
      var pauses = TopicPauses()
      try await publishAll(in: session, &pauses)
      for await _ in wakeups {
        // Messages that are written in the meantime are sent together.
        try await Task.sleep(for: linger)
        try await publishAll(in: session, &pauses)
      }
    }
  }

  /// Publishes all messages, oldest first, until the table is empty or the process shuts down. Published messages are deleted in the round trip
  /// that reads the next ones. Topics that do not accept messages are skipped for some time, so that the others continue.
  private nonisolated(nonsending) func publishAll(in session: PostgresSession, _ pauses: inout TopicPauses) async throws {
    var published: [Int] = []
    repeat {
      let deletion = published.isEmpty ? [] : [outbox.deletion(of: published)]
      let steps = deletion + [outbox.oldest(batchSize, except: pauses.topics(at: .now))]
      let rows = try await session.transaction { try await $0.pipeline(steps, commit: true).last }
      published = []
      guard let rows else { return }
      age.record(try rows.first?.double(5) ?? 0)
      guard !rows.isEmpty else {
        if pauses.isEmpty { outage.end() }
        return
      }
      var result = PublishResult()
      do {
        try await publish(try rows.map(Entry.init), &result, in: session)
      } catch {
        // Messages that the broker has accepted are not sent again.
        let (delete, ids) = outbox.deletion(of: result.published)
        if !result.published.isEmpty { _ = try await session.query(delete, ids) }
        throw error
      }
      published = result.published
      self.published.increment(by: published.count)
      for topic in result.reached where result.unreached[topic] == nil { pauses.end(topic) }
      for (topic, error) in result.unreached {
        let pause = pauses.extend(topic, at: .now)
        logger.warning(
          "the outbox's messages wait for their topic",
          metadata: ["table": "\(outbox.table)", "topic": "\(topic)", "error": "\(error)", "pause": "\(pause)"])
        outage.begin("\(error)")
      }
      if pauses.isEmpty { outage.end() }
    } while !Task.isShuttingDownGracefully
    if !published.isEmpty {
      let (delete, ids) = outbox.deletion(of: published)
      _ = try await session.query(delete, ids)
    }
  }

  /// If a crash of the database undoes a deletion, the message is published again.
  private static let doNotWaitForDisk = Statement("relay without waiting for the disk", "set synchronous_commit = off")

  private static let tryLock = Statement("lock outbox", "select pg_try_advisory_lock($1)")
}

/// Records since when messages cannot be published, and why.
private final class Outage: Sendable {
  private let state = Mutex<(since: ContinuousClock.Instant, problem: String)?>(nil)

  var current: (since: ContinuousClock.Instant, problem: String)? { state.withLock { $0 } }

  func begin(_ problem: String) {
    state.withLock { $0 = ($0?.since ?? .now, problem) }
  }

  func end() {
    state.withLock { $0 = nil }
  }
}

/// The topics that do not accept messages at the moment, each with the time of the next attempt.
private struct TopicPauses {
  private var pauses: [String: (until: ContinuousClock.Instant, length: Duration)] = [:]

  private static let first = Duration.milliseconds(200)
  private static let longest = Duration.seconds(10)

  var isEmpty: Bool { pauses.isEmpty }

  func topics(at now: ContinuousClock.Instant) -> [String] {
    pauses.filter { $0.value.until > now }.map(\.key).sorted()
  }

  /// Pauses the topic for twice as long as before, and returns the duration.
  mutating func extend(_ topic: String, at now: ContinuousClock.Instant) -> Duration {
    let length = pauses[topic].map { min($0.length * 2, Self.longest) } ?? Self.first
    pauses[topic] = (now + length, length)
    return length
  }

  mutating func end(_ topic: String) {
    pauses[topic] = nil
  }
}
