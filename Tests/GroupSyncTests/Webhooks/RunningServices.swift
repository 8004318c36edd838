import ServiceLifecycle

/// Runs services for as long as `body` takes, then shuts them down gracefully.
func running<Value: Sendable>(_ services: [any Service], body: () async throws -> Value) async throws -> Value {
  let group = ServiceGroup(services: services, logger: quiet)
  return try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let value: Value
    do {
      value = try await body()
    } catch {
      tasks.cancelAll()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
    return value
  }
}
