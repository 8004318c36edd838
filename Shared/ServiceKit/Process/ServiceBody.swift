import Kafka
import Logging
import Migrations
import Postgres
import ServiceLifecycle

/// What a process is there for: waits for what it needs, makes its services and runs them.
struct ServiceBody: Service {
  let runtime: ServiceRuntime
  let migrations: [Migration]
  /// How long the services may take to follow a graceful shutdown.
  let shutdownLimit: Duration
  let make: @Sendable (ServiceRuntime) async throws -> [any Service]

  private var logger: Logger { runtime.logger }
  private var health: Health { runtime.health }

  func run() async throws {
    // A connection for the checks alone, which then tell of the server and not of how busy the service is.
    let pool = PostgresPool(
      PostgresConfiguration(
        url: try runtime.settings.string(.databaseURL), connections: 1, statementTimeout: .seconds(5),
        applicationName: "\(runtime.memberID) health", exclusiveConnections: 1),
      logger: logger)
    let reachability = try Reachability(runtime.kafka, logger: logger)
    let services = try await withGracefulShutdownHandler {
      try await prepare(pool, reachability)
    } onGracefulShutdown: {
      // Nothing is in flight yet, and what is waited for may not come for long.
      logger.info("ended as asked, before its work began")
      ExitCode.success.exitProcess()
    }
    let monitor = try runtime.topicMonitor()
    health.setOccupation(nil)
    logger.info("ready")
    try await run([pool, MallocTrimmer(), monitor] + services)
  }

  /// The services, once everything they need is there.
  private func prepare(_ pool: PostgresPool, _ reachability: Reachability) async throws -> [any Service] {
    health.add("kafka") { await reachability.check() }
    health.add("postgres") { await Self.problem { try await pool.check() } }
    try await waitForPostgres { try await pool.check() }
    try await waitForPostgres { try await Migrator.verify(migrations, on: pool) }
    health.add("schema") { [migrations] in await Self.problem { try await Migrator.verify(migrations, on: pool) } }
    try await StartupWait(for: "Kafka", health: health, logger: logger).end { await reachability.check() }
    health.setOccupation("making the services")
    return try await make(runtime)
  }

  /// A wrong password or a missing database can be put right on the server, so those are waited for too.
  ///
  /// - Throws: ``SchemaMismatch``; `PostgresError` where the URL cannot be understood.
  private func waitForPostgres(_ attempt: () async throws -> Void) async throws {
    try await StartupWait(for: "PostgreSQL", health: health, logger: logger).end {
      do {
        try await attempt()
        return nil
      } catch let error as PostgresError where !error.isOfConfiguration {
        return "\(error)"
      }
    }
  }

  private static func problem(_ attempt: () async throws -> Void) async -> String? {
    do {
      try await attempt()
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// Runs the services to the end of their graceful shutdown. What is not finished within its limit is dropped, as a kill would drop it.
  private func run(_ services: [any Service]) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await ServiceGroup(
          configuration: ServiceGroupConfiguration(
            services: services.map { .init(service: SupervisedService(service: $0, limit: shutdownLimit, logger: logger)) }, logger: logger)
        ).run()
      }
      group.addTask {
        do {
          try await gracefulShutdown()
          health.setOccupation("stopping")
          logger.info("stopping: what is in flight is finished", metadata: ["limit": "\(shutdownLimit)"])
          try await Task.sleep(for: shutdownLimit)
        } catch {
          // Cancelled: the services have ended.
          return
        }
        logger.critical("what is in flight was not finished within \(shutdownLimit); the process ends without it")
        ExitCode.failure.exitProcess()
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
