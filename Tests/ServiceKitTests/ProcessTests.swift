import Foundation
import Kafka
import Logging
import Migrations
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceKit

/// Exit tests: each runs a service in its own process.
@Suite("Service process")
struct ProcessTests {
  @Test("--help lists the settings and exits with 0")
  func help() async throws {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      await TestService(arguments: ["--help"]).run { _ in [] }
    }
    let text = try String(decoding: #require(result).standardOutputContent, as: UTF8.self)
    #expect(text.contains("ROLLCALL_KAFKA") && text.contains("ROLLCALL_SHUTDOWN_SECONDS"))
  }

  @Test("--version prints the name of the executable and the version")
  func version() async throws {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      await TestService(arguments: ["--version"]).run { _ in [] }
    }
    let text = try String(decoding: #require(result).standardOutputContent, as: UTF8.self)
    #expect(text.split(separator: "\n").contains("trial \(BuildVersion.description)"))
  }

  @Test("--settings prints the settings as JSON")
  func settings() async throws {
    struct List: Decodable {
      struct Entry: Decodable { var name: String }
      var executable: String
      var version: String
      var settings: [Entry]
    }
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      await TestService(arguments: ["--settings"]).run { _ in [] }
    }
    let text = try String(decoding: #require(result).standardOutputContent, as: UTF8.self)
    let json = try text[#require(text.firstIndex(of: "{"))...#require(text.lastIndex(of: "}"))]
    let list = try JSONDecoder().decode(List.self, from: Data(json.utf8))
    #expect(list.executable == "trial" && list.version == BuildVersion.release)
    #expect(list.settings.map(\.name) == CommonSettings.all.map(\.environmentName))
  }

  @Test("An unknown argument exits with 64")
  func unknownArgument() async throws {
    let result = await #expect(processExitsWith: .exitCode(64), observing: [\.standardErrorContent]) {
      await TestService(arguments: ["--verbose"]).run { _ in [] }
    }
    #expect(try result.standardError.contains("--verbose"))
  }

  @Test("Invalid settings exit with 78, and all are reported")
  func wrongSettings() async throws {
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      await TestService(environment: ["ROLLCALL_HEALTH_PORT": "ninety"]).run { _ in [] }
    }
    let text = try result.standardError
    for name in ["ROLLCALL_HEALTH_PORT", "ROLLCALL_KAFKA", "ROLLCALL_DATABASE_URL"] { #expect(text.contains(name)) }
  }

  @Test("Secrets from examples exit with 78 unless they are permitted")
  func placeholderSecrets() async throws {
    let refused = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      var service = try TestService.unreachable(database: "postgres://identity_store:rollcall@127.0.0.1:1/rollcall")
      service.environment["ROLLCALL_INSECURE_DEFAULTS"] = "no"
      await service.run { _ in [] }
    }
    let text = try refused.standardError
    #expect(text.contains("ROLLCALL_DATABASE_URL") && text.contains("ROLLCALL_INSECURE_DEFAULTS=1"))
    let permitted = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
      var service = try TestService.unreachable(database: "postgres://identity_store:rollcall@127.0.0.1:1/rollcall")
      service.environment["ROLLCALL_INSECURE_DEFAULTS"] = "1"
      async let signalled: Void = service.send(SIGTERM, whenStatusIs: "waiting for PostgreSQL")
      await service.run { _ in [] }
      await signalled
    }
    #expect(try permitted.standardError.contains("waiting for PostgreSQL"))
  }

  @Test("A service that waits for PostgreSQL says so, and stops at once on a signal")
  func waiting() async throws {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
      let service = try TestService.unreachable()
      async let signalled: Void = service.send(SIGTERM, whenStatusIs: "waiting for PostgreSQL")
      await service.run { _ in [] }
      await signalled
    }
    #expect(try result.standardError.contains("waiting for PostgreSQL"))
  }

  @Test("Another schema version exits with 78; the error has both versions and what to do")
  func otherSchema() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) { [url = url as String] in
      try await TestService.unreachable(database: url).run(migrations: [
        Migration(schema: "trial", number: 1, name: "first", sql: "select 1")
      ]) { _ in []
      }
    }
    let text = try result.standardError
    #expect(text.contains("schema trial of the database is at version 0, this build works with 1: run `scimctl migrate`"))
  }

  @Test("With PostgreSQL available it waits for Kafka, and stops at once on a signal")
  func waitingForKafka() async throws {
    let url = try await PostgresServer.emptyDatabase()
    await #expect(processExitsWith: .exitCode(0)) { [url = url as String] in
      let service = try TestService.unreachable(database: url)
      async let signalled: Void = service.send(SIGINT, whenStatusIs: "waiting for Kafka")
      await service.run { _ in [] }
      await signalled
    }
  }

  @Test("With all dependencies it becomes ready, and exits with 0 after its services have stopped")
  func graceful() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      let service = try TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers)
      async let signalled: Void = service.send(SIGTERM, whenStatusIs: nil)
      await service.run { runtime in
        runtime.logger.info("called \(runtime.memberID), \(runtime.instance) and \(runtime.kafka.clientID)")
        return [
          Worker {
            try await gracefulShutdown()
            runtime.logger.info("finished what was in flight")
          }
        ]
      }
      await signalled
    }
    #expect(try result.standardError.contains("finished what was in flight"))
    #expect(try result.standardError.contains("called trial-2, trial/2 and trial-2"))
  }

  @Test("A process that starts records its release and its schema versions")
  func record() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.identity)
    let url = server.url(database: database)
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      let service = try TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers)
      async let signalled: Void = service.send(SIGTERM, whenStatusIs: nil)
      await service.run(migrations: SchemaMigrations.identity) { _ in [Worker { try await gracefulShutdown() }] }
      await signalled
    }
    #expect(result != nil)
    let pool = PostgresPool(
      PostgresConfiguration(url: url, connections: 1, applicationName: "test", maximumWait: PostgresServer.testTimeout),
      logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let running = try await ProcessRegistry.running(on: pool)
    #expect(running.map(\.name) == ["trial-2"] && running.first?.version == BuildVersion.description)
    #expect(running.first?.newest == ["identity": SchemaMigrations.identity.count])
    await pool.close()
  }

  @Test("A service that exceeds the shutdown limit is abandoned")
  func stubborn() async throws {
    let url = try await PostgresServer.emptyDatabase()
    await #expect(processExitsWith: .exitCode(1)) { [url = url as String] in
      let cluster = try MockCluster()
      let service = try TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers, shutdown: "100ms")
      async let signalled: Void = service.send(SIGTERM, whenStatusIs: nil)
      await service.run { _ in [Worker { await withCheckedContinuation { Worker.neverResumed.append($0) } }] }
      await signalled
    }
  }

  @Test("A process whose threads are all blocked exits shortly after the limit")
  func blockedThreads() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      let service = try TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers, shutdown: "100ms")
      async let signalled: Void = service.send(SIGTERM, whenStatusIs: nil)
      await service.run { _ in
        [
          Worker {
            try await gracefulShutdown()
            await withDiscardingTaskGroup { group in
              for _ in 0..<256 { group.addTask { while true { sleep(1) } } }
            }
          }
        ]
      }
      await signalled
    }
    #expect(try result.standardError.contains("did not end within its shutdown limit"))
  }

  @Test("A failed service exits the process with 1, and the log has the reason")
  func failing() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      try await TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers).run { _ in
        [Worker { throw CocoaError(.fileNoSuchFile) }]
      }
    }
    #expect(try result.standardError.contains("stopped by an error"))
  }

  @Test("A failed service exits the process even if another does not stop, and the log names it")
  func failingBesideStubborn() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      try await TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers, shutdown: "100ms").run { _ in
        [
          Worker { await withCheckedContinuation { Worker.neverResumed.append($0) } },
          Worker { throw CocoaError(.fileNoSuchFile) },
        ]
      }
    }
    let text = try result.standardError
    #expect(text.contains("Worker cannot continue; the process ends") && text.contains("did not end within its shutdown limit"))
  }

  @Test("A service that returns without a shutdown exits the process with 1")
  func returning() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      try await TestService.unreachable(database: url, kafka: cluster.configuration().bootstrapServers).run { _ in [Worker {}] }
    }
    #expect(try result.standardError.contains("Worker ended unexpectedly"))
  }
}

extension ExitTest.Result? {
  /// The standard error of the process.
  fileprivate var standardError: String {
    get throws { try String(decoding: #require(self).standardErrorContent, as: UTF8.self) }
  }
}
