import Kafka
import Logging
import Postgres
import ServiceLifecycle

/// Does something again until it passes, while PostgreSQL or Kafka is away.
struct RetryPolicy: Sendable {
  let logger: Logger
  var first: Duration = .milliseconds(100)
  var longest: Duration = .seconds(5)

  /// - Throws: `CancellationError` when the task is cancelled or the service shut down between two attempts; whatever error waiting does
  ///   not mend, at once.
  func untilItPasses<Value: Sendable>(_ what: String, _ body: @Sendable () async throws -> Value) async throws -> Value {
    var pause = first
    while true {
      do {
        return try await body()
      } catch let error where Self.mayPass(error) {
        logger.warning("\(what) failed, trying again", metadata: ["error": "\(error)"])
        let pausing = pause
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: pausing) }
        pause = min(pause * 2, longest)
      }
    }
  }

  /// What the server refuses for another reason than the data, such as a missing grant, an operator can mend while we wait.
  private static func mayPass(_ error: any Error) -> Bool {
    switch error {
    case let error as PostgresError: error.isTransient || !(error.sqlState.isEmpty || error.isAboutData || error.isAboutSize)
    case let error as KafkaError: error.isRetriable
    default: false
    }
  }
}
