import Kafka
import Logging
import Metrics
import Postgres

/// Processes batches of items: retries temporary errors with backoff, divides a batch that keeps failing, and sends the item that fails on
/// its own to the dead letters, so that one bad message does not block the others.
public struct BatchProcessor: Sendable {
  private let deadLetters: DeadLetters
  private let retryPolicy: RetryPolicy
  private let counters: Counters
  private let logger: Logger
  private let onProgress: @Sendable () -> Void

  /// The counters of a processor; each is optional.
  public struct Counters: Sendable {
    /// Counts retries of batches.
    public var retries: Counter?
    /// Counts items that failed on their own.
    public var rejected: Counter?
    /// Counts messages that could not be parsed.
    public var unreadable: Counter?

    /// Creates the set of counters.
    public init(retries: Counter? = nil, rejected: Counter? = nil, unreadable: Counter? = nil) {
      self.retries = retries
      self.rejected = rejected
      self.unreadable = unreadable
    }
  }

  /// Creates a processor.
  ///
  /// - Parameters:
  ///   - deadLetters: Receives messages that cannot be processed.
  ///   - retryPolicy: The delays between attempts.
  ///   - onProgress: Called after each part of a batch that was processed or dead-lettered, since a whole batch may take long; see
  ///     ``Kafka/Consumer/noteProgress()``.
  public init(
    deadLetters: DeadLetters, retryPolicy: RetryPolicy, counters: Counters = Counters(), logger: Logger,
    onProgress: @escaping @Sendable () -> Void = {}
  ) {
    self.deadLetters = deadLetters
    self.retryPolicy = retryPolicy
    self.counters = counters
    self.logger = logger
    self.onProgress = onProgress
  }

  /// Parses messages. Those for which `parse` throws go to the dead letters, those for which it returns nil are skipped.
  ///
  /// - Throws: The errors of ``DeadLetters/send(_:error:attempts:)``.
  public func parse<Value>(_ messages: [Message], _ parse: (Message) throws -> Value?) async throws -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(messages.count)
    for message in messages {
      do {
        if let value = try parse(message) { values.append(value) }
      } catch {
        try await rejectUnreadable(message, because: error)
      }
    }
    return values
  }

  /// Sends a message that cannot be parsed to the dead letters.
  ///
  /// - Throws: The errors of ``DeadLetters/send(_:error:attempts:)``.
  public func rejectUnreadable(_ message: Message, because error: any Error) async throws {
    counters.unreadable?.increment()
    try await deadLetter(message, log: "message cannot be read; it goes to the dead letters", error: error, attempts: 1)
    onProgress()
  }

  /// Processes items and returns their outputs, in order.
  ///
  /// When this returns, each item is processed or in the dead letters. After an error the same items can be processed again.
  ///
  /// - Throws: `CancellationError`; errors for which the operation's action is ``FailureAction/fail``; the errors of
  ///   ``DeadLetters/send(_:error:attempts:)`` and of ``BatchOperation/didProcess(_:outputs:)``.
  public func process<Operation: BatchOperation>(
    _ items: [Operation.Item], with operation: Operation
  ) async throws -> [Operation.Output] {
    var outputs: [Operation.Output] = []
    outputs.reserveCapacity(items.count)
    while outputs.count < items.count {
      outputs += try await processFirst(of: Array(items[outputs.count...]), with: operation)
    }
    return outputs
  }

  /// Processes the first items, at least one, and returns as many outputs: those of one call of the operation, or, if it failed, of the smaller
  /// batches.
  ///
  /// - Throws: As ``process(_:with:)``.
  public func processFirst<Operation: BatchOperation>(
    of items: [Operation.Item], with operation: Operation
  ) async throws -> [Operation.Output] {
    var attempt = BatchAttempt(items: items.count)
    while true {
      let outputs: [Operation.Output]
      do {
        outputs = try await operation.process(items)
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        let action = operation.action(after: error, attempt)
        switch action {
        case .retry, .waitForRepair:
          attempt.recordFailure(isTimeout: operation.isTimeout(error))
          counters.retries?.increment()
          logger.log(
            level: action.isRetry ? .warning : .error, "\(operation.description) failed, trying again",
            metadata: ["error": "\(error)", "attempt": "\(attempt.retries)", "items": "\(items.count)"])
          try await retryPolicy.wait(beforeRetry: attempt.retries)
          continue
        case .divide where items.count > 1: return try await divide(items, after: error, with: operation)
        case .divide, .deadLetter: return try await reject(items, because: error, attempts: attempt.retries + 1, with: operation)
        case .fail: throw error
        }
      }
      onProgress()
      try await operation.didProcess(Array(items.prefix(outputs.count)), outputs: outputs)
      return outputs
    }
  }

  /// Processes the items of a failed batch in smaller batches.
  private func divide<Operation: BatchOperation>(
    _ items: [Operation.Item], after error: any Error, with operation: Operation
  ) async throws -> [Operation.Output] {
    let groups = operation.groups(of: items, after: error)
    logger.error(
      "\(operation.description) failed, continuing with smaller batches",
      metadata: ["error": "\(error)", "items": "\(items.count)", "batches": "\(groups.count)"])
    var outputs: [Int: Operation.Output] = [:]
    for group in groups {
      for (position, output) in zip(group, try await process(group.map { items[$0] }, with: operation)) { outputs[position] = output }
      if operation.isComplete(Array(outputs.values)) { break }
    }
    return items.indices.compactMap { outputs[$0] }
  }

  /// Sends items to the dead letters and returns their outputs.
  private func reject<Operation: BatchOperation>(
    _ items: [Operation.Item], because error: any Error, attempts: Int, with operation: Operation
  ) async throws -> [Operation.Output] {
    var outputs: [Operation.Output] = []
    for item in items {
      counters.rejected?.increment()
      try await deadLetter(
        try operation.message(of: item), log: "message cannot be processed; it goes to the dead letters", error: error,
        attempts: attempts, metadata: operation.metadata(of: item))
      outputs.append(operation.output(ofRejected: item, error: error))
    }
    onProgress()
    try await operation.didProcess(items, outputs: outputs)
    return outputs
  }

  private func deadLetter(
    _ message: Message, log text: Logger.Message, error: any Error, attempts: Int, metadata: Logger.Metadata = [:]
  ) async throws {
    let origin: Logger.Metadata = [
      "error": "\(error)", "topic": "\(message.topic)", "partition": "\(message.partition)", "offset": "\(message.offset)",
    ]
    logger.error(text, metadata: origin.merging(metadata) { _, new in new })
    try await deadLetters.send(message, error: "\(error)", attempts: attempts)
  }
}

extension FailureAction {
  fileprivate var isRetry: Bool { if case .retry = self { true } else { false } }
}

/// An operation on the items of a batch that a ``BatchProcessor`` runs.
public protocol BatchOperation: Sendable {
  /// What is processed: a message that was parsed, or what a service derives from one.
  associatedtype Item: Sendable
  /// The result for one item.
  associatedtype Output: Sendable = Void

  /// What the operation does, for the log: "storing events".
  var description: String { get }

  /// Processes the first items, at least one, all or none of them, and returns their outputs. Items that were processed before must not
  /// change anything again.
  func process(_ items: [Item]) async throws -> [Output]

  /// What to do after an error of ``process(_:)``. `CancellationError` is always thrown. Default: ``FailureAction/init(after:)``.
  func action(after error: any Error, _ attempt: BatchAttempt) -> FailureAction

  /// Whether an error says that the time limit was exceeded. Default: a statement timeout of PostgreSQL.
  func isTimeout(_ error: any Error) -> Bool

  /// The positions of the items that are processed together after a failure. Default: each item on its own.
  func groups(of items: [Item], after error: any Error) -> [[Int]]

  /// Whether the remaining items of a batch that was divided are not processed, given the outputs so far, in any order. Default: false.
  func isComplete(_ outputs: [Output]) -> Bool

  /// The message that goes to the dead letters when an item is rejected.
  func message(of item: Item) throws -> Message

  /// What the log says about a rejected item in addition to the origin of its message. Default: nothing.
  func metadata(of item: Item) -> Logger.Metadata

  /// The output of an item that went to the dead letters.
  func output(ofRejected item: Item, error: any Error) -> Output

  /// Called with each part of a batch that was processed or rejected. Its errors are not retried. Default: does nothing.
  func didProcess(_ items: [Item], outputs: [Output]) async throws
}

extension BatchOperation {
  /// ``FailureAction/init(after:)``.
  public func action(after error: any Error, _ attempt: BatchAttempt) -> FailureAction { FailureAction(after: error) }
  /// Whether PostgreSQL reports a statement timeout.
  public func isTimeout(_ error: any Error) -> Bool { (error as? PostgresError)?.isTimeout ?? false }
  /// Each item on its own.
  public func groups(of items: [Item], after error: any Error) -> [[Int]] { items.indices.map { [$0] } }
  /// Every item is processed.
  public func isComplete(_ outputs: [Output]) -> Bool { false }
  /// No additional metadata.
  public func metadata(of item: Item) -> Logger.Metadata { [:] }
  /// Does nothing.
  public func didProcess(_ items: [Item], outputs: [Output]) async throws {}
}

extension BatchOperation where Output == Void {
  /// No output.
  public func output(ofRejected item: Item, error: any Error) {}
}

/// An attempt to process a batch.
public struct BatchAttempt: Sendable {
  /// The number of items.
  public let items: Int
  /// How often the same items failed and were retried before.
  public private(set) var retries = 0
  /// How many of those failures were timeouts.
  public private(set) var timeouts = 0

  init(items: Int) { self.items = items }

  mutating func recordFailure(isTimeout: Bool) {
    retries += 1
    if isTimeout { timeouts += 1 }
  }
}
