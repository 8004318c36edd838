import Logging
import Metrics
import Postgres
import ServiceLifecycle

/// Publishes the messages of an ``Outbox``: each at least once, in their order, and only then deletes them.
///
/// Of all processes that run one for the same table, one is the leader: whoever holds the advisory lock. The lock belongs to a
/// connection, so it is free as soon as the leader is gone. A leader that loses its connection may have published what the next one
/// publishes again; consumers tell by the version.
public final class OutboxRelay: Service, Sendable {
  private let pool: PostgresPool
  private let outbox: Outbox
  private let producer: Producer
  private let lockKey: Int64
  private let batch: Int
  private let linger: Duration
  private let interval: Duration
  private let logger: Logger
  private let wakes: AsyncStream<Void>
  private let waking: AsyncStream<Void>.Continuation
  private let published: Counter
  private let age: Gauge

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
          logger.warning("the outbox is not relayed for the moment", metadata: ["table": "\(outbox.table)", "error": "\(error)"])
        }
      }
      group.cancelAll()
    }
  }

  /// Publishes for as long as this process is the leader; returns at once where another is, and at shutdown.
  private func lead() async throws {
    try await pool.withExclusiveConnection { session in
      guard try await session.query(Self.tryLock, [.int(lockKey)]).first?.bool(0) == true else { return }
      logger.info("relaying the outbox", metadata: ["table": "\(outbox.table)"])
      _ = try await session.query(Self.doNotWaitForDisk)
      try await publishAll(in: session)
      for await _ in wakes {
        // What is written meanwhile goes out together with it.
        try await Task.sleep(for: linger)
        try await publishAll(in: session)
      }
    }
  }

  /// Publishes what there is, oldest first, until there is nothing or the process is to end. What was published is forgotten in the
  /// round trip that reads what comes next.
  private nonisolated(nonsending) func publishAll(in session: PostgresSession) async throws {
    var published: [Int] = []
    repeat {
      let deletion = published.isEmpty ? [] : [outbox.deletion(of: published)]
      let steps = deletion + [outbox.oldest(batch)]
      let rows = try await session.transaction { try await $0.pipeline(steps, commit: true).last }
      guard let rows else { return }
      age.record(try rows.first?.double(5) ?? 0)
      guard !rows.isEmpty else { return }
      try await producer.send(contentsOf: try rows.map(Outbox.message))
      published = try rows.map { try $0.int(0) }
      self.published.increment(by: rows.count)
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
