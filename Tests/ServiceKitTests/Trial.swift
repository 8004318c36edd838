import Foundation
import Kafka
import Migrations
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import ServiceKit

/// A service's process as it is started for a test, inside a process that the test has made for it.
struct Trial: Sendable {
  var arguments: [String] = []
  var environment: [String: String] = [:]

  /// One whose database and brokers are not there, unless they are given.
  static func away(database: String? = nil, kafka: String? = nil, shutdown: String = "20") throws -> Trial {
    Trial(environment: [
      "ROLLCALL_DATABASE_URL": try database ?? "postgres://postgres@127.0.0.1:\(FreePort.find())/postgres",
      "ROLLCALL_KAFKA": try kafka ?? "127.0.0.1:\(FreePort.find())",
      "ROLLCALL_HEALTH_HOST": "127.0.0.1",
      "ROLLCALL_HEALTH_PORT": "\(try FreePort.find())",
      "ROLLCALL_REPLICA": "2",
      "ROLLCALL_SHUTDOWN_SECONDS": shutdown,
    ])
  }

  /// Runs the service, and ends the process with its exit code.
  func end(migrations: [Migration] = [], make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]) async {
    await ServiceProcess.run(
      service: "trial", settings: CommonSettings.all, migrations: migrations, arguments: arguments, environment: environment, make: make
    ).exitProcess()
  }

  /// Asks `/readyz` until it gives that text as what the process is at, or says for nil that it is ready, and then sends the signal.
  /// Where that does not come about, the process ends with 99.
  func ask(for occupation: String?, andEndBy signal: Int32) async {
    let address = "http://127.0.0.1:\(environment["ROLLCALL_HEALTH_PORT"] ?? "")"
    do {
      try await eventually("/readyz to tell of '\(occupation ?? "nothing wrong")'") {
        let problems = try await HTTP.fetch("\(address)/readyz").problems
        guard let occupation else { return problems.isEmpty }
        return problems["process"]?.hasPrefix(occupation) == true
      }
      kill(ProcessInfo.processInfo.processIdentifier, signal)
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(99)
    }
  }
}

/// A service that is one closure.
struct Worker: Service {
  /// What a service that never ends waits for.
  static let heldForEver = Held()

  let work: @Sendable () async throws -> Void

  func run() async throws { try await work() }

  /// Keeps continuations, which must not be dropped.
  final class Held: Sendable {
    private let continuations = Mutex<[CheckedContinuation<Void, Never>]>([])

    func append(_ continuation: CheckedContinuation<Void, Never>) { continuations.withLock { $0.append(continuation) } }
  }
}

extension PostgresServer {
  /// The URL of a database of its own, in which nothing is.
  static func emptyDatabase() async throws -> String {
    let server = try await shared()
    return server.url(database: try await server.createDatabase())
  }
}
