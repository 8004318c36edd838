import Kafka
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle
import Synchronization

/// Publishes the messages of an ``Outbox``: each at least once, in the order of their key, and only then deletes them.
///
/// A message that the broker rejects for good, because of its size for example, is moved to the table of dead letters beside the outbox;
/// where its type has large fields, the same event without them takes its place (``Models/CloudEvent/withoutLargeFields()``). What the
/// broker has of a batch is not sent again because another message of it failed.
///
/// Of all processes that run one for the same table, one is the leader: whoever holds the advisory lock. The lock belongs to a
/// connection, so it is free as soon as the leader is gone. A leader that loses its connection may have published what the next one
/// publishes again; consumers tell by the version.
public final class OutboxRelay: Service, Sendable {
  private let pool: PostgresPool
  let outbox: Outbox
  let producer: Producer
  private let lockKey: Int64
  private let batch: Int
  private let linger: Duration
  private let interval: Duration
  let logger: Logger
  private let wakes: AsyncStream<Void>
  private let waking: AsyncStream<Void>.Continuation
  private let published: Counter
  private let age: Gauge
  /// Since when something keeps this process from publishing.
  private let trouble = Trouble()

  /// - Parameters:
  ///   - lockKey: The key of the advisory lock, the same in all processes and for no other table.
  ///   - batch: How many messages are published, and deleted, together.
  ///   - linger: How long after ``wake()`` it is looked, so that what is written meanwhile goes out together.
  ///   - interval: How often the table is looked at without ``wake()``, and the lock asked for.
  public init(
    pool: PostgresPool, table: String, producer: Producer, lockKey: Int64, batch: Int = 1000,
    linger: Duration = .milliseconds(10), interval: Duration = .seconds(1), logger: Logger
  ) {
    self.pool = pool
    outbox = Outbox(table: table)
    self.producer = producer
    self.lockKey = lockKey
    self.batch = batch
    self.linger = linger
    self.interval = interval
    self.logger = logger
    (wakes, waking) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    published = Counter(label: "kafka_outbox_published_total", dimensions: [("table", table)])
    age = Gauge(label: "kafka_outbox_oldest_seconds", dimensions: [("table", table)])
  }

  /// Says that there is something to publish, so that it does not have to wait for the next look.
  public func wake() {
    waking.yield()
  }

  /// The outbox's table, `identity.outbox`.
  public var table: String { outbox.table }

  /// What keeps messages from being published, where that lasts longer than `limit`: for a process's readiness. nil also where another
  /// process is the leader.
  public func standstill(longerThan limit: Duration) -> String? {
    guard let (since, problem) = trouble.current, ContinuousClock.now - since > limit else { return nil }
    return "'\(outbox.table)' has not been published for \((ContinuousClock.now - since).components.seconds) s: \(problem)"
  }

  /// Publishes until graceful shutdown, after which what is left is for the next leader.
  public func run() async throws {
    await withTaskGroup { group in
      group.addTask { [waking, interval] in
        await cancelWhenGracefulShutdown {
          while !Task.isCancelled {
            waking.yield()
            // Cancelled at shutdown: the end of the stream lets the leader finish what it has begun.
            do { try await Task.sleep(for: interval) } catch { break }
          }
          waking.finish()
        }
      }
      for await _ in wakes {
        do {
          try await lead()
        } catch is CancellationError {
          break
        } catch {
          trouble.begin("\(error)")
          logger.warning("the outbox is not relayed for the moment", metadata: ["table": "\(outbox.table)", "error": "\(error)"])
        }
      }
      group.cancelAll()
    }
  }

  /// Publishes for as long as this process is the leader; returns at once where another is, and at shutdown.
  private func lead() async throws {
    try await pool.withExclusiveConnection { session in
      guard try await session.query(Self.tryLock, [.int(lockKey)]).first?.bool(0) == true else { return trouble.end() }
      logger.info("relaying the outbox", metadata: ["table": "\(outbox.table)"])
      _ = try await session.query(Self.doNotWaitForDisk)
      var pauses = TopicPauses()
      try await publishAll(in: session, &pauses)
      for await _ in wakes {
        // What is written meanwhile goes out together with it.
        try await Task.sleep(for: linger)
        try await publishAll(in: session, &pauses)
      }
    }
  }

  /// Publishes what there is, oldest first, until there is nothing or the process is to end. What was published is forgotten in the
  /// round trip that reads what comes next. Topics that do not take messages at the moment are left out until their pause is over, so
  /// that the others go on.
  private nonisolated(nonsending) func publishAll(in session: PostgresSession, _ pauses: inout TopicPauses) async throws {
    var published: [Int] = []
    repeat {
      let deletion = published.isEmpty ? [] : [outbox.deletion(of: published)]
      let steps = deletion + [outbox.oldest(batch, except: pauses.topics(at: .now))]
      let rows = try await session.transaction { try await $0.pipeline(steps, commit: true).last }
      published = []
      guard let rows else { return }
      age.record(try rows.first?.double(5) ?? 0)
      guard !rows.isEmpty else {
        if pauses.isEmpty { trouble.end() }
        return
      }
      var round = Round()
      do {
        try await publish(try rows.map(Entry.init), &round, in: session)
      } catch {
        // What the broker has by then is not sent again.
        let (delete, ids) = outbox.deletion(of: round.published)
        if !round.published.isEmpty { _ = try await session.query(delete, ids) }
        throw error
      }
      published = round.published
      self.published.increment(by: published.count)
      for topic in round.reached where round.unreached[topic] == nil { pauses.end(topic) }
      for (topic, error) in round.unreached {
        let pause = pauses.extend(topic, at: .now)
        logger.warning(
          "the outbox's messages wait for their topic",
          metadata: ["table": "\(outbox.table)", "topic": "\(topic)", "error": "\(error)", "pause": "\(pause)"])
        trouble.begin("\(error)")
      }
      if pauses.isEmpty { trouble.end() }
    } while !Task.isShuttingDownGracefully
    if !published.isEmpty {
      let (delete, ids) = outbox.deletion(of: published)
      _ = try await session.query(delete, ids)
    }
  }

  /// A deletion that a crash of the database undoes is published once more.
  private static let doNotWaitForDisk = Statement("relay without waiting for the disk", "set synchronous_commit = off")

  private static let tryLock = Statement("lock outbox", "select pg_try_advisory_lock($1)")
}

/// Since when messages cannot be published, and why.
private final class Trouble: Sendable {
  private let state = Mutex<(since: ContinuousClock.Instant, problem: String)?>(nil)

  var current: (since: ContinuousClock.Instant, problem: String)? { state.withLock { $0 } }

  func begin(_ problem: String) {
    state.withLock { $0 = ($0?.since ?? .now, problem) }
  }

  func end() {
    state.withLock { $0 = nil }
  }
}

/// The topics that do not take messages at the moment, each with the time at which it is tried again.
private struct TopicPauses {
  private var pauses: [String: (until: ContinuousClock.Instant, length: Duration)] = [:]

  private static let first = Duration.milliseconds(200)
  private static let longest = Duration.seconds(10)

  var isEmpty: Bool { pauses.isEmpty }

  func topics(at now: ContinuousClock.Instant) -> [String] {
    pauses.filter { $0.value.until > now }.map(\.key).sorted()
  }

  /// Pauses the topic, each time for twice as long as before.
  mutating func extend(_ topic: String, at now: ContinuousClock.Instant) -> Duration {
    let length = pauses[topic].map { min($0.length * 2, Self.longest) } ?? Self.first
    pauses[topic] = (now + length, length)
    return length
  }

  mutating func end(_ topic: String) {
    pauses[topic] = nil
  }
}
