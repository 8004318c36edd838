import Dispatch

/// Work that keeps a processor busy for longer than a request may be kept waiting by another: it runs on threads apart from the event
/// loops, on which everything else does.
package enum BlockingWork {
  private static let queue = DispatchQueue(label: "long work", qos: .utility, attributes: .concurrent)

  /// Runs `work` on a thread of its own, and returns its result.
  package static func run<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try work() }) }
    }
  }
}
