import Foundation
import Logging
import Migrations
import Postgres
import ServiceLifecycle

/// Records the process in the database every few minutes, so that `scimctl migrate` knows which releases run. It uses the connection of the
/// health checks.
struct ProcessRecorder: Service {
  /// How often the process is recorded. Several attempts may fail before it is forgotten; see `ProcessRegistry.memory`.
  static let interval = Duration.seconds(300)

  /// A new id for each start of the process.
  private let instance = UUID()
  /// The service and its replica, `identity-store-0`.
  private let name: String
  private let ranges: [SchemaRange]
  private let pool: PostgresPool
  private let logger: Logger

  init(name: String, migrations: [Migration], pool: PostgresPool, logger: Logger) {
    self.name = name
    ranges = SchemaRange.ranges(of: migrations)
    self.pool = pool
    self.logger = logger
  }

  /// Records the process once. An error of the database that a repetition does not remedy is logged: the process works without the record.
  ///
  /// - Throws: `PostgresError` while the database is unavailable; `CancellationError`.
  func record() async throws {
    guard !ranges.isEmpty else { return }
    do {
      let recorded = try await ProcessRegistry.record(
        instance, name: name, version: BuildVersion.description, ranges: ranges, on: pool)
      if !recorded { logger.debug("the database has no record of processes yet; scimctl migrate creates it") }
    } catch let error as PostgresError where !error.isTransient {
      logger.warning("the process could not be recorded in the database", metadata: ["error": "\(error)"])
    }
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while true {
        do { try await Task.sleep(for: Self.interval) } catch { return }
        do {
          try await record()
        } catch is CancellationError {
          return
        } catch {
          logger.info("the process will be recorded in the database later", metadata: ["error": "\(error)"])
        }
      }
    }
  }
}
