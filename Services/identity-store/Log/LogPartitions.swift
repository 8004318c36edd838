import Foundation
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle

/// Keeps the provisioning log's partitions: makes those of the coming days, and drops the days that are over. No row is ever deleted.
struct LogPartitions: Service {
  let pool: PostgresPool
  /// For how many days entries are kept.
  let days: Int
  let logger: Logger

  /// Entries wait on the topic for so many days at most, and are older by as much when they are written.
  private static let back = 7
  /// One that is made today is used tomorrow: two days are spare.
  private static let ahead = 3
  private static let interval = Duration.seconds(3600)
  private static let failureInterval = Duration.seconds(60)

  private static let statement = Statement(
    "maintain provisioning log", "select made, dropped from identity.maintain_provisioning_log($1::int8::int, $2::int8::int, $3::int8::int)"
  )

  /// Whether there is, or can be, a partition for an entry of this time.
  func holds(_ time: Date, at now: Date) -> Bool {
    let day = 86_400.0
    let today = (now.timeIntervalSince1970 / day).rounded(.down)
    let its = (time.timeIntervalSince1970 / day).rounded(.down)
    return its >= today - Double(min(Self.back, days)) && its <= today + Double(Self.ahead)
  }

  /// Makes what is missing and drops what is too old.
  func maintain() async throws {
    let rows = try await pool.query(Self.statement, [.int(Int64(Self.back)), .int(Int64(Self.ahead)), .int(Int64(days))])
    guard let row = rows.first else { return }
    let (made, dropped) = (try row.int(0), try row.int(1))
    if made + dropped > 0 {
      logger.info("partitions of the provisioning log", metadata: ["made": "\(made)", "dropped": "\(dropped)"])
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
