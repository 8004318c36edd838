import Kafka
import Logging
import Postgres
import ServiceLifecycle

/// Repeats an operation with exponential backoff while its failures are temporary.
public struct RetryPolicy: Sendable {
  /// The delay before the first retry. Each further delay is twice as long.
  public var firstDelay: Duration
  /// The longest delay between two attempts.
  public var maximumDelay: Duration
  /// Whether graceful shutdown ends a delay with `CancellationError`. Otherwise the retries go on until the task is cancelled.
  public var endsAtShutdown: Bool
  private let logger: Logger

  /// Creates a policy.
  ///
  /// - Parameters:
  ///   - firstDelay: The delay before the first retry.
  ///   - maximumDelay: The longest delay between two attempts.
  ///   - endsAtShutdown: Whether graceful shutdown ends a delay with `CancellationError`.
  ///   - logger: Logs each failed attempt as a warning.
  public init(
    firstDelay: Duration = .milliseconds(100), maximumDelay: Duration = .seconds(5), endsAtShutdown: Bool = true, logger: Logger
  ) {
    self.firstDelay = firstDelay
    self.maximumDelay = maximumDelay
    self.endsAtShutdown = endsAtShutdown
    self.logger = logger
  }

  /// Runs `operation` until it succeeds or fails for good.
  ///
  /// - Parameters:
  ///   - description: What the operation does, for the log: "recording a notice".
  ///   - isRetriable: Whether an error is temporary.
  /// - Throws: `CancellationError` when the task is cancelled or the service shuts down between two attempts; at once, every error that is
  ///   not retriable.
  public func run<Value: Sendable>(
    _ description: String, retrying isRetriable: @Sendable (any Error) -> Bool = Self.isRetriable,
    _ operation: @Sendable () async throws -> Value
  ) async throws -> Value {
    var retries = 0
    while true {
      do {
        return try await operation()
      } catch let error where isRetriable(error) {
        logger.warning("\(description) failed, trying again", metadata: ["error": "\(error)"])
        retries += 1
        try await wait(beforeRetry: retries)
      }
    }
  }

  /// Waits until a retry is due.
  ///
  /// - Parameter retry: The number of the retry, from 1.
  /// - Throws: `CancellationError`.
  func wait(beforeRetry retry: Int) async throws {
    let delay = delay(beforeRetry: retry)
    guard endsAtShutdown else { return try await Task.sleep(for: delay) }
    try await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
  }

  /// The delay before a retry.
  ///
  /// - Parameter retry: The number of the retry, from 1.
  func delay(beforeRetry retry: Int) -> Duration {
    min(firstDelay * (1 << max(0, min(retry - 1, 20))), maximumDelay)
  }

  /// Whether an error may disappear, by itself or because an operator repairs its cause (for example a missing grant), while the operation is
  /// repeated. Errors about the data of a statement or about a message itself are permanent.
  @Sendable public static func isRetriable(_ error: any Error) -> Bool {
    switch FailureAction(after: error) {
    case .retry, .waitForRepair: true
    case .divide, .deadLetter, .fail: false
    }
  }
}

/// What a ``BatchProcessor`` does after a failed attempt.
public enum FailureAction: Sendable {
  /// Tries again: the error is temporary.
  case retry
  /// Tries again: an operator has to repair the cause, so failures are logged as errors.
  case waitForRepair
  /// Processes the items in smaller batches. A single item goes to the dead letters.
  case divide
  /// Sends all items to the dead letters.
  case deadLetter
  /// Throws the error: the process cannot continue.
  case fail

  /// The default action: temporary errors of PostgreSQL and Kafka are retried, and batches with data that PostgreSQL or a broker rejects are
  /// divided.
  public init(after error: any Error) {
    switch error {
    case let error as PostgresError where error.isTransient: self = .retry
    case let error as PostgresError where error.isAboutData || error.isAboutSize: self = .divide
    // Any other refusal of the server, such as a missing grant, can be repaired while the consumer waits.
    case let error as PostgresError where !error.sqlState.isEmpty: self = .waitForRepair
    case let error as KafkaError where error.isRetriable: self = .retry
    case let error as KafkaError where error.isAboutMessage: self = .divide
    default: self = .fail
    }
  }
}
