import Logging
import ServiceLifecycle

/// A service whose end is the end of the process: it logs which service failed and why, and sees to it that the others do not keep the
/// process alive.
struct SupervisedService: Service {
  let service: any Service
  /// How long the other services may take to follow.
  let limit: Duration
  let logger: Logger

  func run() async throws {
    do {
      try await service.run()
    } catch {
      guard !Task.isCancelled, !Task.isShuttingDownGracefully else { throw error }
      logger.critical("\(name) cannot continue; the process ends", metadata: ["error": "\(error)"])
      ShutdownWatchdog.end(after: limit)
      throw error
    }
    guard !Task.isCancelled, !Task.isShuttingDownGracefully else { return }
    logger.critical("\(name) ended although nobody asked it to; the process ends")
    ShutdownWatchdog.end(after: limit)
    throw ServiceEnded(name: name)
  }

  private var name: String { "\(type(of: service))" }
}

/// A service returned although the process is to go on.
struct ServiceEnded: Error, CustomStringConvertible {
  var name: String
  var description: String { "\(name) ended although nobody asked it to" }
}
