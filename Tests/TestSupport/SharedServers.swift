extension PostgresServer {
  private static let sharedServer = AsyncLazy { try await start() }

  /// The server that all tests of the process share. Each test creates its own database, and does not stop the server.
  public static func shared() async throws -> PostgresServer { try await sharedServer.value() }
}

extension KafkaBroker {
  private static let sharedServer = AsyncLazy { try await start() }

  /// The broker that all tests of the process share. Each test creates its own topics, and does not stop the broker.
  public static func shared() async throws -> KafkaBroker { try await sharedServer.value() }
}

/// A value that is computed on first use.
public actor AsyncLazy<Value: Sendable> {
  private let make: @Sendable () async throws -> Value
  private var making: Task<Value, any Error>?

  /// Creates a lazy value. `make` is called at most once.
  public init(_ make: @escaping @Sendable () async throws -> Value) {
    self.make = make
  }

  /// The value.
  ///
  /// - Throws: The error of the closure that computes it.
  public func value() async throws -> Value {
    if let making { return try await making.value }
    let task = Task { [make] in try await make() }
    making = task
    return try await task.value
  }
}
