import Foundation
import Kafka
import Migrations
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import ServiceKit

/// A service with its arguments and environment, for an exit test: a test that runs in its own process.
struct TestService: Sendable {
  var arguments: [String] = []
  var environment: [String: String] = [:]

  /// A service whose database and brokers are unreachable unless they are given.
  static func unreachable(database: String? = nil, kafka: String? = nil, shutdown: String = "20") throws -> TestService {
    TestService(environment: [
      "ROLLCALL_DATABASE_URL": try database ?? "postgres://postgres@127.0.0.1:\(FreePort.find())/postgres",
      "ROLLCALL_KAFKA": try kafka ?? "127.0.0.1:\(FreePort.find())",
      "ROLLCALL_HEALTH_HOST": "127.0.0.1",
      "ROLLCALL_HEALTH_PORT": "\(try FreePort.find())",
      "ROLLCALL_REPLICA": "2",
      "ROLLCALL_SHUTDOWN_SECONDS": shutdown,
    ])
  }

  /// Runs the service and exits the process with its exit code.
  func run(migrations: [Migration] = [], make: @escaping @Sendable (ServiceRuntime) async throws -> [any Service]) async {
    await ServiceProcess.run(
      service: "trial", settings: CommonSettings.all, migrations: migrations, arguments: arguments, environment: environment, make: make
    ).exitProcess()
  }

  /// Polls `/readyz` until the problem of the process starts with `status`, or for nil until the service is ready. Then sends a signal to
  /// the process. If that does not happen in time, the process exits with 99.
  func send(_ signal: Int32, whenStatusIs status: String?) async {
    let address = "http://127.0.0.1:\(environment["ROLLCALL_HEALTH_PORT"] ?? "")"
    do {
      try await eventually("/readyz to report '\(status ?? "ready")'") {
        let problems = try await HTTP.fetch("\(address)/readyz").problems
        guard let status else { return problems.isEmpty }
        return problems["process"]?.hasPrefix(status) == true
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
  /// The continuations of services that never end.
  static let neverResumed = Held()

  let work: @Sendable () async throws -> Void

  func run() async throws { try await work() }

  /// Keeps continuations alive.
  final class Held: Sendable {
    private let continuations = Mutex<[CheckedContinuation<Void, Never>]>([])

    func append(_ continuation: CheckedContinuation<Void, Never>) { continuations.withLock { $0.append(continuation) } }
  }
}

extension PostgresServer {
  /// The URL of a new, empty database.
  static func emptyDatabase() async throws -> String {
    let server = try await shared()
    return server.url(database: try await server.createDatabase())
  }
}
