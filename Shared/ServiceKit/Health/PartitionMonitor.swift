import Logging
import Metrics
import Postgres
import ServiceLifecycle

/// Measures for how many days ahead tables with one partition per day have partitions, so that an alert tells that their maintenance has not run.
///
/// It is independent of the maintenance, which may hang or fail. Every replica measures the same.
public struct PartitionMonitor: Service {
  private let pool: PostgresPool
  private let tables: [String]
  private let interval: Duration
  private let logger: Logger

  /// Creates a monitor.
  ///
  /// - Parameters:
  ///   - tables: The tables with their schemas, `directory.events`. The names of their partitions end with the day, `events_20260131`.
  ///   - interval: The interval between two measurements.
  public init(pool: PostgresPool, tables: [String], interval: Duration = .seconds(300), logger: Logger) {
    self.pool = pool
    self.tables = tables
    self.interval = interval
    self.logger = logger
  }

  /// Measures until graceful shutdown. While the database is unavailable, the last values remain.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          for table in tables {
            guard let days = try await daysAhead(of: table) else { continue }
            Gauge(label: "rollcall_partitions_ahead", dimensions: [("table", table)]).record(days)
          }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("the partitions cannot be measured", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// The number of days after today (UTC) up to the last partition of a table; -1 if it has none.
  ///
  /// - Throws: `PostgresError`.
  func daysAhead(of table: String) async throws -> Int? {
    try await pool.query(Self.statement, [.text(table)]).first?.int(0)
  }

  private static let statement = Statement(
    "measure partitions",
    """
    select (coalesce(max(to_date(right(c.relname::text, 8), 'YYYYMMDD')), today - 1) - today)::int8
    from (select (now() at time zone 'UTC')::date as today) clock
    left join pg_inherits i on i.inhparent = $1::text::regclass
    left join pg_class c on c.oid = i.inhrelid and c.relname ~ '_[0-9]{8}$'
    group by today
    """)
}
