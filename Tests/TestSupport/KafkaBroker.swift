import Foundation
import Kafka
import Logging
import Synchronization

/// A Kafka broker for tests: `noida-db` on a free port of the loopback interface, with its data in a temporary folder.
///
/// It can be stopped and restarted on the same port and data. The process ends and the folder is removed with this object, or when the
/// test process dies.
public final class KafkaBroker: Sendable {
  /// The port that it listens on.
  public let port: Int
  private let folder: URL
  private let process = Mutex<ServerProcess?>(nil)

  /// Starts a broker and returns when it answers.
  ///
  /// - Throws: ``KafkaBrokerError``.
  public static func start() async throws -> KafkaBroker {
    let broker = try KafkaBroker(port: FreePort.find())
    try await broker.start()
    return broker
  }

  private init(port: Int) throws {
    self.port = port
    folder = try DataFolder.create(for: "kafka")
  }

  deinit {
    // Fails if the shell has already exited; nothing is left to end then.
    try? process.withLock { $0.take() }?.end(keepingData: false)
  }

  /// The address for clients, `127.0.0.1:9092`.
  public var bootstrapServers: String { "127.0.0.1:\(port)" }

  /// The configuration of a client of the broker.
  public func configuration(clientID: String = "test", properties: [String: String] = [:]) -> KafkaConfiguration {
    KafkaConfiguration(bootstrapServers: bootstrapServers, clientID: clientID, properties: properties, pausesEmptyFetches: true)
  }

  /// Restarts the broker after ``stop()``, and returns when it answers.
  ///
  /// - Throws: ``KafkaBrokerError``.
  public func start() async throws {
    try process.withLock { process in
      guard process == nil else { return }
      process = try Self.process(port: port, folder: folder)
    }
    let reachability = try Reachability(configuration(), logger: Logger(label: "broker", factory: { _ in SwiftLogNoOpLogHandler() }))
    // Generous, since many brokers start at once on a machine that may be busy.
    let deadline = ContinuousClock.now + .seconds(120)
    while let problem = await reachability.check(timeout: .milliseconds(500)) {
      guard .now < deadline, process.withLock({ $0?.isRunning ?? false }) else {
        throw KafkaBrokerError(reason: "\(problem)\n\(log)")
      }
    }
  }

  /// Stops the broker and returns when its process has ended; connections break at once.
  ///
  /// It sends SIGTERM, since `noida-db` writes acknowledged messages to disk only once a second and when it exits.
  public func stop() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    try process.end(keepingData: true)
    await process.ended()
  }

  /// The output of the broker.
  public var log: String {
    (try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? ""
  }
}

/// The error for a Kafka broker, mock cluster or client of a test that cannot be started.
public struct KafkaBrokerError: Error, CustomStringConvertible {
  /// The reason, with the broker's output.
  public let reason: String

  /// Creates an error with the reason and the broker's output.
  public init(reason: String) { self.reason = reason }

  /// The reason in a sentence.
  public var description: String { "the Kafka broker for the test did not start: \(reason)" }
}
