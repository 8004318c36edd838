import Logging
import Metrics
import Postgres
import ServiceLifecycle

/// Measures the depth and the age of queues in PostgreSQL, for alerts: outboxes, and what a service adds.
///
/// It sees rows that no process works on, for example those of a process that ended and did not come back. Every replica measures the same, so
/// dashboards show the maximum.
public struct QueueMonitor: Service {
  /// A queue and its metrics.
  public struct Queue: Sendable {
    let statement: Statement
    let depth: Gauge
    let age: Gauge

    /// Creates a queue.
    ///
    /// - Parameters:
    ///   - statement: Returns the number of waiting rows, and the age of the oldest in seconds (`float8`); 0 if there is none.
    ///   - depth: Shows the number.
    ///   - age: Shows the age.
    public init(_ statement: Statement, depth: Gauge, age: Gauge) {
      self.statement = statement
      self.depth = depth
      self.age = age
    }

    /// The rows of an outbox, including those that were published and are not deleted yet.
    ///
    /// - Parameter table: The table with its schema, `identity.outbox`.
    public static func outbox(_ table: String) -> Queue {
      Queue(
        Statement(
          "measure \(table)",
          """
          select
            (select count(*) from (select from \(table) limit 100000) bounded),
            coalesce(
              (select extract(epoch from clock_timestamp() - created_at)::float8 from \(table) order by id limit 1),
              0
            )::float8
          """),
        depth: Gauge(label: "kafka_outbox_messages", dimensions: [("table", table)]),
        age: Gauge(label: "kafka_outbox_oldest_seconds", dimensions: [("table", table)]))
    }
  }

  private let pool: PostgresPool
  private let queues: [Queue]
  private let interval: Duration
  private let logger: Logger

  /// Creates a monitor.
  ///
  /// - Parameter interval: The interval between two measurements.
  public init(pool: PostgresPool, queues: [Queue], interval: Duration = .seconds(30), logger: Logger) {
    self.pool = pool
    self.queues = queues
    self.interval = interval
    self.logger = logger
  }

  /// Measures until graceful shutdown. While the database is unavailable, the last values remain.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          for queue in queues {
            let measured = try await measurement(of: queue)
            queue.depth.record(measured.depth)
            queue.age.record(measured.age)
          }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("a queue cannot be measured", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// What waits in a queue.
  struct Measurement: Sendable {
    /// The number of waiting rows.
    var depth = 0
    /// The age of the oldest row, in seconds.
    var age = 0.0
  }

  /// Measures a queue.
  ///
  /// - Throws: `PostgresError`.
  func measurement(of queue: Queue) async throws -> Measurement {
    guard let row = try await pool.query(queue.statement).first else { return Measurement() }
    return Measurement(depth: try row.int(0), age: max(0, try row.double(1)))
  }
}
