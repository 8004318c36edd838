import Foundation

/// Runs librdkafka's blocking calls on dedicated threads, so that they do not block the cooperative pool.
enum DedicatedThread {
  /// Starts a thread that runs `body`.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = name
    thread.start()
  }

  /// Runs a blocking call on a new thread and returns its result.
  static func run<Result: Sendable>(_ name: String, _ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      start(name) { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}

extension Duration {
  /// The duration in whole milliseconds, rounded down.
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
  /// The duration in nanoseconds, rounded down.
  var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
