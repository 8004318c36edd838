import Foundation
import Kafka
import Logging
import Synchronization

/// A Kafka broker of a test's own: `noida-db` on a free port of the loopback interface, with its data in a temporary folder.
///
/// It can be stopped and started again on the same port and data. Its process ends, and its folder goes, with this object; it ends as
/// well where the process that runs the tests dies.
public final class KafkaBroker: Sendable {
  public let port: Int
  private let folder: URL
  private let process = Mutex<ServerProcess?>(nil)

  /// Starts a broker and returns when it answers.
  public static func start() async throws -> KafkaBroker {
    let broker = try KafkaBroker(port: FreePort.find())
    try await broker.start()
    return broker
  }

  private init(port: Int) throws {
    self.port = port
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-kafka-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    // Where the shell is gone already, there is nobody to tell.
    try? process.withLock { $0.take() }?.end(keepingData: false)
  }

  public var bootstrapServers: String { "127.0.0.1:\(port)" }

  public func configuration(clientID: String = "test", properties: [String: String] = [:]) -> KafkaConfiguration {
    KafkaConfiguration(bootstrapServers: bootstrapServers, clientID: clientID, properties: properties, pausesEmptyFetches: true)
  }

  /// Starts the broker again after ``stop()``, and returns when it answers.
  public func start() async throws {
    try process.withLock { process in
      guard process == nil else { return }
      process = try Self.process(port: port, folder: folder)
    }
    let reachability = try Reachability(configuration(), logger: Logger(label: "broker", factory: { _ in SwiftLogNoOpLogHandler() }))
    // Generous: many start at once where the tests do, on a machine that may be busy.
    let deadline = ContinuousClock.now + .seconds(120)
    while let problem = await reachability.check(timeout: .milliseconds(500)) {
      guard .now < deadline, process.withLock({ $0?.isRunning ?? false }) else {
        throw KafkaBrokerError(reason: "\(problem)\n\(log)")
      }
    }
  }

  /// Ends the broker's process, and returns when it is gone; its clients' connections break at once.
  ///
  /// With SIGTERM: `noida-db` writes what it has acknowledged to its disk once a second, and at its end. Killed, it would lose what Kafka
  /// would not.
  public func stop() async throws {
    guard let process = process.withLock({ $0.take() }) else { return }
    try process.end(keepingData: true)
    await process.ended()
  }

  /// Everything that the broker has printed.
  public var log: String {
    (try? String(contentsOf: folder.appendingPathComponent("log"), encoding: .utf8)) ?? ""
  }
}

/// Why a broker for a test could not be started.
public struct KafkaBrokerError: Error, CustomStringConvertible {
  public let reason: String

  public init(reason: String) { self.reason = reason }

  public var description: String { "the Kafka broker for the test did not start: \(reason)" }
}
