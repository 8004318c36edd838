import Foundation
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle

/// Maintains the daily partitions of the provisioning log: creates them in advance and drops expired ones. Rows are never deleted
/// individually.
struct LogPartitions: Service {
  let pool: PostgresPool
  /// The retention of entries in days.
  let days: Int
  let logger: Logger

  /// The retention of the topic in days, and thus the maximum age of an entry when it is written.
  private static let pastDays = 7
  /// How many days in advance partitions are created. More than one, in case maintenance fails for a while.
  private static let futureDays = 3
  private static let interval = Duration.seconds(3600)
  private static let failureInterval = Duration.seconds(60)

  private static let statement = Statement(
    "maintain provisioning log", "select made, dropped from identity.maintain_provisioning_log($1::int8::int, $2::int8::int, $3::int8::int)"
  )

  /// Whether an entry with this timestamp falls into a day that has, or may get, a partition.
  func covers(_ time: Date, at now: Date) -> Bool {
    let day = 86_400.0
    let today = (now.timeIntervalSince1970 / day).rounded(.down)
    let entryDay = (time.timeIntervalSince1970 / day).rounded(.down)
    return entryDay >= today - Double(min(Self.pastDays, days)) && entryDay <= today + Double(Self.futureDays)
  }

  /// Creates missing partitions and drops expired ones.
  func maintain() async throws {
    let rows = try await pool.query(Self.statement, [.int(Int64(Self.pastDays)), .int(Int64(Self.futureDays)), .int(Int64(days))])
    guard let row = rows.first else { return }
    let (created, dropped) = (try row.int(0), try row.int(1))
    if created + dropped > 0 {
      logger.info("maintained the partitions of the provisioning log", metadata: ["created": "\(created)", "dropped": "\(dropped)"])
    }
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
          logger.warning("partitions of the provisioning log not maintained", metadata: ["error": "\(error)"])
          pause = Self.failureInterval
        }
        do { try await Task.sleep(for: pause) } catch { return }
      }
    }
  }
}
