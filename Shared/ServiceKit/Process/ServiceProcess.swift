import Foundation
import Kafka
import Logging
import Metrics
import Migrations
import NIOCore
import NIOPosix
import Postgres
import ServiceLifecycle

/// Runs a service as a process: from the command-line arguments to the exit code.
public enum ServiceProcess {
  /// Runs the service until SIGTERM or SIGINT, and exits.
  ///
  /// Handles `--help`, `--version` and `--settings`; reads the settings; serves `/livez`, `/readyz` and `/metrics`; waits for PostgreSQL and
  /// Kafka; checks the schema; then runs the services that `make` returns. They are shut down in reverse order within `shutdown.seconds`.
  ///
  /// Exit codes: 0 stopped as requested, 1 failed while running, 64 wrong arguments, 78 wrong configuration or schema.
  ///
  /// - Parameters:
  ///   - service: The name of the executable, `scim-api`.
  ///   - settings: All settings of the process, including ``CommonSettings/all``.
  ///   - migrations: The migrations of the schemas that the process uses. The database must have a version that they support; see
  ///     `SchemaRange`.
  ///   - make: Makes the services, once PostgreSQL and Kafka are available.
  public static func run(
    service: String, settings: [Setting], migrations: [Migration],
    make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]
  ) async {
    MallocTrimmer.limitArenas()
    // Runs tasks on the event loops, which saves a thread switch per request. If it fails, the default executor is used.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
    await run(
      service: service, settings: settings, migrations: migrations, arguments: Array(CommandLine.arguments.dropFirst()),
      environment: ProcessInfo.processInfo.environment, make: make
    ).exitProcess()
  }

  /// Runs the service with the given arguments (without the executable's name) and environment, and returns the exit code.
  static func run(
    service: String, settings: [Setting], migrations: [Migration], arguments: [String], environment: [String: String],
    make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]
  ) async -> ExitCode {
    if let code = handle(arguments, service: service, settings: settings) { return code }
    do throws(SettingsError) {
      let read = try await ServiceSettings.read(service: service, settings: settings, environment: environment)
      let problems = PlaceholderSecrets.problems(in: read)
      guard problems.isEmpty else { throw SettingsError(problems) }
      return try await run(read, hostName: environment["HOSTNAME"], migrations: migrations, make: make)
    } catch {
      printError("\(service): \(error)\nSee '\(service) --help'.")
      return .configuration
    }
  }

  /// Handles the options; nil if there are none, so that the service runs.
  private static func handle(_ arguments: [String], service: String, settings: [Setting]) -> ExitCode? {
    switch arguments.first {
    case nil: return nil
    case "--help", "-h":
      print(SettingsHelp.text(service: service, settings: settings))
      return .success
    case "--version":
      print("\(service) \(BuildVersion.description)")
      return .success
    case "--settings":
      do {
        print(try SettingsList(executable: service, settings: settings).json())
        return .success
      } catch {
        printError("\(service): \(error)")
        return .failure
      }
    case let unknown?:
      printError("\(service) does not accept the argument '\(unknown)'. See '\(service) --help'.")
      return .usage
    }
  }

  private static func printError(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// Runs the service with valid settings. Errors are logged and become an exit code.
  ///
  /// - Throws: ``SettingsError`` for values that are only checked now.
  private static func run(
    _ settings: ServiceSettings, hostName: String?, migrations: [Migration],
    make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]
  ) async throws(SettingsError) -> ExitCode {
    let health = Health()
    let replica = ServiceRuntime.replica(settings, hostName: hostName)
    let level = Logger.Level(rawValue: try settings.string(.logLevel).lowercased()) ?? .info
    JSONLogHandler.bootstrap(service: settings.service, instance: "\(settings.service)/\(replica)", level: level)
    let logger = Logger(label: settings.service)
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    registry.recordBuild(service: settings.service, version: BuildVersion.release, commit: BuildVersion.commit ?? "unknown")
    let server = HealthServer(
      host: try settings.string(.healthHost), port: try settings.integer(.healthPort), health: health, metrics: registry, logger: logger)
    let runner = ServiceRunner(
      runtime: try ServiceRuntime(settings: settings, logger: logger, hostName: hostName, health: health), migrations: migrations,
      shutdownLimit: try settings.duration(.shutdownSeconds), make: make)
    var services: [ServiceGroupConfiguration.ServiceConfiguration] = [.init(service: server)]
    if let exporter = try SpanExporter.bootstrap(settings, instance: "\(settings.service)/\(replica)", logger: logger) {
      services.append(.init(service: exporter))
    }
    services.append(.init(service: runner, successTerminationBehavior: .gracefullyShutdownGroup))
    // The group shuts down in reverse order, so the health server answers while the services finish, and their last spans are exported.
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services,
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    ShutdownWatchdog.watch(limit: try settings.duration(.shutdownSeconds))
    for warning in settings.warnings { logger.warning("\(warning)") }
    logger.info("starting", metadata: ["version": "\(BuildVersion.description)", "replica": "\(replica)"])
    do {
      try await group.run()
      logger.info("stopped")
      return .success
    } catch {
      var metadata: Logger.Metadata = ["error": "\(error)"]
      metadata["advice"] = advice(on: error, service: settings.service, replica: replica).map { Logger.MetadataValue.string($0) }
      logger.critical("stopped by an error", metadata: metadata)
      return ExitCode(error)
    }
  }

  /// What an operator can do about an error that ended the process, if the error itself does not say so.
  static func advice(on error: any Error, service: String, replica: Int) -> String? {
    guard let error = error as? KafkaError, error.code == .fencedInstanceID else { return nil }
    return """
      another process of \(service) with the same replica number, \(replica), has replaced this one in the consumer group: set \
      \(Setting.replica.environmentName) to a unique number for each process that stays the same after a restart
      """
  }
}
