import Foundation

/// Threads for librdkafka's blocking calls, which must not hold up the cooperative pool.
enum DedicatedThread {
  /// Starts a thread that runs `body` and ends with it.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = name
    thread.start()
  }

  /// Runs one blocking call on a thread of its own.
  static func run<Result: Sendable>(_ name: String, _ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      start(name) { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}
