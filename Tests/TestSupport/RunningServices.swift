import Logging
import ServiceLifecycle

/// Runs services for as long as `body` takes, then shuts them down gracefully, even if `body` throws: an HTTP server that is cancelled
/// drops the connections that it has just accepted, and the process traps (swift-nio issue 2637).
public func running<Value: Sendable>(_ services: [any Service], body: () async throws -> Value) async throws -> Value {
  let group = ServiceGroup(services: services, logger: Logger(label: "services") { _ in SwiftLogNoOpLogHandler() })
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let result: Result<Value, any Error>
    do {
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return try result.get()
  }
}
