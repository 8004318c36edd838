import Foundation
import Kafka
import Migrations
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceKit

/// Each test is a process of its own, which runs a service and ends.
@Suite("A service's process")
struct ProcessTests {
  @Test("Help lists the settings, and ends well")
  func help() async throws {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      await Trial(arguments: ["--help"]).end { _ in [] }
    }
    let text = try String(decoding: #require(result).standardOutputContent, as: UTF8.self)
    #expect(text.contains("ROLLCALL_KAFKA") && text.contains("ROLLCALL_SHUTDOWN_SECONDS"))
  }

  @Test("The version is printed with the name of the executable")
  func version() async throws {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      await Trial(arguments: ["--version"]).end { _ in [] }
    }
    let text = try String(decoding: #require(result).standardOutputContent, as: UTF8.self)
    #expect(text.split(separator: "\n").contains("trial 0.2.0"))
  }

  @Test("The settings are printed as JSON")
  func settings() async throws {
    struct List: Decodable {
      struct Entry: Decodable { var name: String }
      var executable: String
      var version: String
      var settings: [Entry]
    }
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardOutputContent]) {
      await Trial(arguments: ["--settings"]).end { _ in [] }
    }
    let text = try String(decoding: #require(result).standardOutputContent, as: UTF8.self)
    let json = try text[#require(text.firstIndex(of: "{"))...#require(text.lastIndex(of: "}"))]
    let list = try JSONDecoder().decode(List.self, from: Data(json.utf8))
    #expect(list.executable == "trial" && list.version == ServiceProcess.version)
    #expect(list.settings.map(\.name) == CommonSettings.all.map(\.environmentName))
  }

  @Test("An argument that is not known ends it with 64")
  func unknownArgument() async throws {
    let result = await #expect(processExitsWith: .exitCode(64), observing: [\.standardErrorContent]) {
      await Trial(arguments: ["--verbose"]).end { _ in [] }
    }
    #expect(try result.said.contains("--verbose"))
  }

  @Test("Settings that are wrong end it with 78, all told at once")
  func wrongSettings() async throws {
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      await Trial(environment: ["ROLLCALL_HEALTH_PORT": "ninety"]).end { _ in [] }
    }
    let text = try result.said
    for name in ["ROLLCALL_HEALTH_PORT", "ROLLCALL_KAFKA", "ROLLCALL_DATABASE_URL"] { #expect(text.contains(name)) }
  }

  @Test("Secrets that stand in examples end it with 78, unless they are wanted")
  func placeholderSecrets() async throws {
    let refused = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) {
      var trial = try Trial.away(database: "postgres://identity_store:rollcall@127.0.0.1:1/rollcall")
      trial.environment["ROLLCALL_INSECURE_DEFAULTS"] = "no"
      await trial.end { _ in [] }
    }
    let text = try refused.said
    #expect(text.contains("ROLLCALL_DATABASE_URL") && text.contains("ROLLCALL_INSECURE_DEFAULTS=1"))
    let wanted = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
      var trial = try Trial.away(database: "postgres://identity_store:rollcall@127.0.0.1:1/rollcall")
      trial.environment["ROLLCALL_INSECURE_DEFAULTS"] = "1"
      async let asked: Void = trial.ask(for: "waiting for PostgreSQL", andEndBy: SIGTERM)
      await trial.end { _ in [] }
      await asked
    }
    #expect(try wanted.said.contains("waiting for PostgreSQL"))
  }

  @Test("While it waits it says for what, and ends at once when asked to")
  func waiting() async throws {
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) {
      let trial = try Trial.away()
      async let asked: Void = trial.ask(for: "waiting for PostgreSQL", andEndBy: SIGTERM)
      await trial.end { _ in [] }
      await asked
    }
    #expect(try result.said.contains("waiting for PostgreSQL"))
  }

  @Test("A database whose schema is another ends it with 78, naming both versions and what to do")
  func otherSchema() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(78), observing: [\.standardErrorContent]) { [url = url as String] in
      try await Trial.away(database: url).end(migrations: [Migration(schema: "trial", number: 1, name: "first", sql: "select 1")]) { _ in []
      }
    }
    let text = try result.said
    #expect(text.contains("schema trial of the database is at version 0, this build works with 1: run `scimctl migrate`"))
  }

  @Test("With PostgreSQL there it waits for Kafka, and ends at once when asked to")
  func waitingForKafka() async throws {
    let url = try await PostgresServer.emptyDatabase()
    await #expect(processExitsWith: .exitCode(0)) { [url = url as String] in
      let trial = try Trial.away(database: url)
      async let asked: Void = trial.ask(for: "waiting for Kafka", andEndBy: SIGINT)
      await trial.end { _ in [] }
      await asked
    }
  }

  @Test("With everything there it is ready, and ends well after its services have")
  func graceful() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(0), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      let trial = try Trial.away(database: url, kafka: cluster.configuration().bootstrapServers)
      async let asked: Void = trial.ask(for: nil, andEndBy: SIGTERM)
      await trial.end { runtime in
        runtime.logger.info("called \(runtime.memberID), \(runtime.instance) and \(runtime.kafka.clientID)")
        return [
          Worker {
            try await gracefulShutdown()
            runtime.logger.info("finished what was in flight")
          }
        ]
      }
      await asked
    }
    #expect(try result.said.contains("finished what was in flight"))
    #expect(try result.said.contains("called trial-2, trial/2 and trial-2"))
  }

  @Test("A service that does not follow the shutdown in time is left behind")
  func stubborn() async throws {
    let url = try await PostgresServer.emptyDatabase()
    await #expect(processExitsWith: .exitCode(1)) { [url = url as String] in
      let cluster = try MockCluster()
      let trial = try Trial.away(database: url, kafka: cluster.configuration().bootstrapServers, shutdown: "100ms")
      async let asked: Void = trial.ask(for: nil, andEndBy: SIGTERM)
      await trial.end { _ in [Worker { await withCheckedContinuation { Worker.heldForEver.append($0) } }] }
      await asked
    }
  }

  @Test("A process whose every thread is stuck ends all the same, a little later")
  func stuck() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      let trial = try Trial.away(database: url, kafka: cluster.configuration().bootstrapServers, shutdown: "100ms")
      async let asked: Void = trial.ask(for: nil, andEndBy: SIGTERM)
      await trial.end { _ in
        [
          Worker {
            try await gracefulShutdown()
            await withDiscardingTaskGroup { group in
              for _ in 0..<256 { group.addTask { while true { sleep(1) } } }
            }
          }
        ]
      }
      await asked
    }
    #expect(try result.said.contains("did not end within its shutdown limit"))
  }

  @Test("A service that fails ends the process with 1, and the log says why")
  func failing() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      try await Trial.away(database: url, kafka: cluster.configuration().bootstrapServers).end { _ in
        [Worker { throw CocoaError(.fileNoSuchFile) }]
      }
    }
    #expect(try result.said.contains("stopped by an error"))
  }

  @Test("A service that fails ends the process also where another does not follow, and the log names it")
  func failingBesideStubborn() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      try await Trial.away(database: url, kafka: cluster.configuration().bootstrapServers, shutdown: "100ms").end { _ in
        [
          Worker { await withCheckedContinuation { Worker.heldForEver.append($0) } },
          Worker { throw CocoaError(.fileNoSuchFile) },
        ]
      }
    }
    let text = try result.said
    #expect(text.contains("Worker cannot continue; the process ends") && text.contains("did not end within its shutdown limit"))
  }

  @Test("A service that returns without a shutdown ends the process with 1")
  func returning() async throws {
    let url = try await PostgresServer.emptyDatabase()
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) { [url = url as String] in
      let cluster = try MockCluster()
      try await Trial.away(database: url, kafka: cluster.configuration().bootstrapServers).end { _ in [Worker {}] }
    }
    #expect(try result.said.contains("Worker ended unexpectedly"))
  }
}

extension ExitTest.Result? {
  /// What the process wrote on standard error.
  fileprivate var said: String {
    get throws { try String(decoding: #require(self).standardErrorContent, as: UTF8.self) }
  }
}
