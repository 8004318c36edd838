import Logging
import ServiceLifecycle

/// A service whose end is the end of the process. It logs which service failed and why, and starts the ``ShutdownWatchdog``, so that the
/// other services cannot keep the process alive.
struct SupervisedService: Service {
  let service: any Service
  /// How long the other services may take for their graceful shutdown.
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
    logger.critical("\(name) ended unexpectedly; the process ends")
    ShutdownWatchdog.end(after: limit)
    throw UnexpectedServiceEnd(name: name)
  }

  private var name: String { "\(type(of: service))" }
}

/// The error for a service that returned although no shutdown was requested.
struct UnexpectedServiceEnd: Error, CustomStringConvertible {
  let name: String
  var description: String { "\(name) ended unexpectedly" }
}
