import Logging
import Postgres
import ServiceLifecycle

/// Maintains the daily partitions of the event log: creates them in advance and drops expired ones. Rows are not deleted one by one.
///
/// An advisory lock limits this to one process at a time. A day without a partition is stored in the default partition, so nothing fails while
/// this fails.
struct EventLogMaintenance: Service {
  let pool: PostgresPool
  /// How long events are kept.
  let retention: Duration
  let logger: Logger

  /// How many days in advance partitions are created. More than one, in case maintenance fails for a while.
  private static let daysAhead = 2
  private static let interval = Duration.seconds(600)
  /// The pause after a failure. Dropping a partition fails if a long query reads the log.
  private static let pauseAfterFailure = Duration.seconds(30)

  /// What a run did.
  struct Outcome: Sendable, Equatable {
    var created = 0
    var dropped = 0
  }

  /// Creates missing partitions, and drops all expired ones.
  ///
  /// - Throws: `PostgresError`. What was done before it remains.
  @discardableResult
  func maintain() async throws -> Outcome {
    var outcome = Outcome()
    var hasMore = true
    while hasMore {
      let rows = try await pool.query(Self.statement, [.int(Int64(Self.daysAhead)), .int(retention.components.seconds)])
      guard let row = rows.first else { break }
      outcome.created += try row.int(0)
      outcome.dropped += try row.int(1)
      hasMore = try row.bool(2)
    }
    if outcome != Outcome() {
      logger.info(
        "maintained the partitions of the event log", metadata: ["created": "\(outcome.created)", "dropped": "\(outcome.dropped)"])
    }
    return outcome
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        var pause = Self.interval
        do {
          try await maintain()
        } catch is CancellationError {
          return
        } catch {
          pause = Self.pauseAfterFailure
          logger.warning("partitions of the event log not maintained", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: pause) } catch { return }
      }
    }
  }

  private static let statement = Statement(
    "maintain event log",
    """
    select created, dropped, more
    from directory.maintain_events($1::int8::int, make_interval(secs => $2::int8))
    """)
}
