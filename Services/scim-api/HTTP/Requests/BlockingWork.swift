import Dispatch

/// Runs CPU-intensive work on threads other than the event loops, so that it does not delay other requests.
package enum BlockingWork {
  private static let queue = DispatchQueue(label: "long work", qos: .utility, attributes: .concurrent)

  /// Runs `work` on a background thread, and returns its result.
  package static func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try work() }) }
    }
  }
}
