import Kafka
import Logging
import Migrations
import Postgres
import ServiceLifecycle

/// The main service of a process: waits for its dependencies, makes the service's parts and runs them until graceful shutdown.
struct ServiceRunner: Service {
  let runtime: ServiceRuntime
  let migrations: [Migration]
  /// How long the services may take for a graceful shutdown.
  let shutdownLimit: Duration
  let make: @Sendable (ServiceRuntime) async throws -> [any Service]

  private var logger: Logger { runtime.logger }
  private var health: Health { runtime.health }

  func run() async throws {
    // A separate connection for the checks, so that they measure the server rather than the load of the service.
    let pool = PostgresPool(
      PostgresConfiguration(
        url: try runtime.settings.string(.databaseURL), connections: 1, statementTimeout: .seconds(5),
        applicationName: "\(runtime.memberID) health", exclusiveConnections: 1),
      logger: logger)
    let reachability = try Reachability(runtime.kafka, logger: logger)
    let recorder = ProcessRecorder(name: runtime.memberID, migrations: migrations, pool: pool, logger: logger)
    let services = try await withGracefulShutdownHandler {
      try await prepare(pool, reachability, recorder)
    } onGracefulShutdown: {
      // Nothing is in flight yet, and a dependency may stay away for long.
      logger.info("stopped as requested before it was ready")
      ExitCode.success.exitProcess()
    }
    let monitor = try runtime.topicMonitor()
    health.setProcessProblem(nil)
    logger.info("ready")
    try await run([pool, MallocTrimmer(), monitor, recorder] + services)
  }

  /// Waits for PostgreSQL, the schema and Kafka, registers their health checks, and makes the services.
  private func prepare(_ pool: PostgresPool, _ reachability: Reachability, _ recorder: ProcessRecorder) async throws -> [any Service] {
    health.add("kafka") { await reachability.check() }
    health.add("postgres") { await Self.problem { try await pool.check() } }
    try await waitForPostgres { try await pool.check() }
    // Recorded first: a contract migration that begins after this sees the process, and one that began before is seen by the check.
    try await waitForPostgres { try await recorder.record() }
    try await waitForPostgres { try await Migrator.verify(migrations, on: pool) }
    health.add("schema") { [migrations] in await Self.problem { try await Migrator.verify(migrations, on: pool) } }
    try await runtime.wait(for: "Kafka") { await reachability.check() }
    health.setProcessProblem("starting services")
    return try await make(runtime)
  }

  /// Retries while PostgreSQL reports an error, including a wrong password or a missing database, which can be fixed on the server.
  ///
  /// - Throws: ``SchemaMismatch``; `PostgresError` if the URL is invalid.
  private func waitForPostgres(_ attempt: () async throws -> Void) async throws {
    try await runtime.wait(for: "PostgreSQL") {
      do {
        try await attempt()
        return nil
      } catch let error as PostgresError where !error.isConfigurationError {
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

  /// Runs the services until their graceful shutdown has ended. If it exceeds its limit, the process exits, as if it was killed.
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
          health.setProcessProblem("stopping")
          logger.info("stopping: finishing work in flight", metadata: ["limit": "\(shutdownLimit)"])
          try await Task.sleep(for: shutdownLimit)
        } catch {
          // Cancelled: the services have ended.
          return
        }
        logger.critical("work in flight was not finished within \(shutdownLimit); exiting")
        ExitCode.failure.exitProcess()
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
