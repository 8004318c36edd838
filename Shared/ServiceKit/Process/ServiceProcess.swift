import Foundation
import Kafka
import Logging
import Metrics
import Migrations
import NIOCore
import NIOPosix
import Postgres
import ServiceLifecycle

/// The life of a service's process, from its arguments to its exit code.
public enum ServiceProcess {
  /// Runs the service until SIGTERM or SIGINT, and ends the process.
  ///
  /// Answers `--help`, `--version` and `--settings`; reads the settings; from then on serves `/livez`, `/readyz` and `/metrics`; waits for PostgreSQL
  /// and Kafka and says so; checks the schema; then runs what `make` returns. The services are shut down in the opposite order of the
  /// array, and have `shutdown.seconds` for it.
  ///
  /// Exit codes: 0 ended as asked, 1 failed while running, 64 wrong arguments, 78 wrong configuration or schema.
  ///
  /// - Parameters:
  ///   - settings: All that the process has, ``CommonSettings/all`` among them.
  ///   - migrations: Those that the database has to have, exactly.
  public static func run(
    service: String, settings: [Setting], migrations: [Migration],
    make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]
  ) async {
    MallocTrimmer.shareHeaps()
    // Tasks then run where the sockets are: a request is not handed from thread to thread. Where it cannot be done, all works as well.
    NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
    await run(
      service: service, settings: settings, migrations: migrations, arguments: Array(CommandLine.arguments.dropFirst()),
      environment: ProcessInfo.processInfo.environment, make: make
    ).exitProcess()
  }

  /// The version of the build. All executables of the package have the same; `--version` prints it.
  public static let version = "0.2.0"

  /// As the public one, in a process that was started with `arguments` (without its name) in `environment`; returns its exit code.
  static func run(
    service: String, settings: [Setting], migrations: [Migration], arguments: [String], environment: [String: String],
    make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]
  ) async -> ExitCode {
    if let code = answer(arguments, service: service, settings: settings) { return code }
    do throws(SettingsError) {
      let read = try await ServiceSettings.read(service: service, settings: settings, environment: environment)
      let problems = PlaceholderSecrets.problems(in: read)
      guard problems.isEmpty else { throw SettingsError(problems) }
      return try await run(read, hostName: environment["HOSTNAME"], migrations: migrations, make: make)
    } catch {
      say("\(service): \(error)\nSee '\(service) --help'.")
      return .configuration
    }
  }

  private static func answer(_ arguments: [String], service: String, settings: [Setting]) -> ExitCode? {
    switch arguments.first {
    case nil: return nil
    case "--help", "-h":
      print(SettingsHelp.text(service: service, settings: settings))
      return .success
    case "--version":
      print("\(service) \(version)")
      return .success
    case "--settings":
      do {
        print(try SettingsList(executable: service, settings: settings).json())
        return .success
      } catch {
        say("\(service): \(error)")
        return .failure
      }
    case let unknown?:
      say("\(service) takes no argument '\(unknown)'. See '\(service) --help'.")
      return .usage
    }
  }

  private static func say(_ text: String) {
    FileHandle.standardError.write(Data((text + "\n").utf8))
  }

  /// - Throws: ``SettingsError`` before there is a log; everything else ends in a line in the log and an exit code.
  private static func run(
    _ settings: ServiceSettings, hostName: String?, migrations: [Migration],
    make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]
  ) async throws(SettingsError) -> ExitCode {
    let health = Health()
    let replica = ServiceRuntime.replica(settings, hostName: hostName)
    let level = Logger.Level(rawValue: try settings.string(.logLevel).lowercased()) ?? .info
    ServiceLogging.bootstrap(service: settings.service, instance: "\(settings.service)/\(replica)", level: level)
    let logger = Logger(label: settings.service)
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    let server = HealthServer(
      host: try settings.string(.healthHost), port: try settings.integer(.healthPort), health: health, metrics: registry, logger: logger)
    let body = ServiceBody(
      runtime: try ServiceRuntime(settings: settings, logger: logger, replica: replica, health: health), migrations: migrations,
      shutdownLimit: try settings.duration(.shutdownSeconds), make: make)
    // Shut down in the opposite order: health is answered while the services finish.
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [.init(service: server), .init(service: body, successTerminationBehavior: .gracefullyShutdownGroup)],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    ShutdownWatchdog.watch(limit: try settings.duration(.shutdownSeconds))
    logger.info("starting", metadata: ["version": "\(version)", "replica": "\(replica)"])
    do {
      try await group.run()
      logger.info("ended")
      return .success
    } catch {
      var metadata: Logger.Metadata = ["error": "\(error)"]
      metadata["advice"] = advice(on: error, service: settings.service, replica: replica).map { Logger.MetadataValue.string($0) }
      logger.critical("ended by an error", metadata: metadata)
      return ExitCode(error)
    }
  }

  /// What the operator can do about an error that ended the process, where the error alone does not say so.
  static func advice(on error: any Error, service: String, replica: Int) -> String? {
    guard let error = error as? KafkaError, error.code == .fencedInstanceID else { return nil }
    return """
      another process of \(service) runs with the same replica number, \(replica), and has taken this one's place: set \
      \(Setting.replica.environmentName) to a number of its own for each, the same after a restart
      """
  }
}
