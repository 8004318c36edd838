import Logging
import Postgres
import ServiceLifecycle
import Synchronization

/// Keeps the daily partitions of a table: creates those of the next days, and drops those that are older than the retention.
///
/// An advisory lock in the database limits this to one process at a time.
struct PartitionMaintenance: Service {
  /// The partitioned table in the schema `directory`.
  let table: String
  /// How long rows are kept. A partition is dropped when its last row is older.
  let retention: Duration
  let pool: PostgresPool
  let logger: Logger
  private let failure = FailureRecord()

  /// How many days after today have a partition. So many days may pass without a run before rows cannot be inserted.
  static let daysAhead = 2
  /// The pause after a run, which is much shorter than a day: a partition is dropped soon after its time.
  static let interval = Duration.seconds(600)
  /// The pause after a failure. A drop fails if a long query holds the table.
  static let pauseAfterFailure = Duration.seconds(30)

  init(table: String, retention: Duration, pool: PostgresPool, logger: Logger) {
    self.table = table
    self.retention = retention
    self.pool = pool
    self.logger = logger
  }

  /// What a run did.
  struct Outcome: Sendable, Equatable {
    var created = 0
    var dropped = 0
  }

  /// The problem for `/readyz`: the error of the last run, if so many runs have failed that partitions may run out.
  var problem: String? { failure.problem(after: .seconds(86_400)) }

  /// Creates missing partitions, and drops all that have expired.
  ///
  /// - Throws: `PostgresError`. Partitions that were created or dropped before it remain so.
  @discardableResult
  func maintain() async throws -> Outcome {
    var outcome = Outcome()
    var hasMore = true
    while hasMore {
      let rows = try await pool.query(
        Self.statement, [.text(table), .int(Int64(Self.daysAhead)), .int(retention.components.seconds)])
      guard let row = rows.first else { break }
      outcome.created += try row.int(0)
      outcome.dropped += try row.int(1)
      hasMore = try row.bool(2)
    }
    if outcome != Outcome() {
      logger.info(
        "partitions maintained",
        metadata: ["table": "\(table)", "created": "\(outcome.created)", "dropped": "\(outcome.dropped)"])
    }
    return outcome
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        var pause = Self.interval
        do {
          try await maintain()
          failure.clear()
        } catch is CancellationError {
          return
        } catch {
          failure.record(error)
          pause = Self.pauseAfterFailure
          logger.warning("partitions not maintained", metadata: ["table": "\(table)", "error": "\(error)"])
        }
        do { try await Task.sleep(for: pause) } catch { return }
      }
    }
  }

  private static let statement = Statement(
    "maintain partitions",
    """
    select created, dropped, more
    from directory.maintain_partitions($1::text::name, $2::int8::int, make_interval(secs => $3::int8))
    """)
}

/// Since when a task fails, and why.
private final class FailureRecord: Sendable {
  private let state = Mutex<(since: ContinuousClock.Instant, reason: String)?>(nil)

  func record(_ error: any Error) {
    state.withLock { $0 = ($0?.since ?? .now, "\(error)") }
  }

  func clear() {
    state.withLock { $0 = nil }
  }

  /// The reason, if the task has failed for `limit`.
  func problem(after limit: Duration) -> String? {
    state.withLock { state in state.flatMap { $0.since + limit < .now ? $0.reason : nil } }
  }
}
