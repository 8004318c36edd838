extension PostgresServer {
  private static let sharedOne = MadeOnce { try await start() }

  /// The server that all tests of this process share; each makes a database of its own in it, and leaves the server itself alone.
  public static func shared() async throws -> PostgresServer { try await sharedOne.value() }
}

extension KafkaBroker {
  private static let sharedOne = MadeOnce { try await start() }

  /// The broker that all tests of this process share; each makes topics of its own, and leaves the broker itself alone.
  public static func shared() async throws -> KafkaBroker { try await sharedOne.value() }
}

/// A value that is made by the first who asks for it.
public actor MadeOnce<Value: Sendable> {
  private let make: @Sendable () async throws -> Value
  private var making: Task<Value, any Error>?

  public init(_ make: @escaping @Sendable () async throws -> Value) {
    self.make = make
  }

  public func value() async throws -> Value {
    if let making { return try await making.value }
    let task = Task { [make] in try await make() }
    making = task
    return try await task.value
  }
}
