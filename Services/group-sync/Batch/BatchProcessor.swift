import Kafka
import Logging
import Metrics
import Models
import Outbox
import Postgres
import ServiceLifecycle

/// Runs batches to their end: waits out what ails the database, and isolates an event that the database refuses.
struct BatchProcessor: Sendable {
  let transaction: BatchTransaction
  let deadLetters: DeadLetters
  let logger: Logger
  /// Called when a part of a batch is taken in.
  let completed: @Sendable () -> Void

  private let takenIn = Counter(label: "rollcall_sync_events_total")
  private let poisoned = Counter(label: "rollcall_sync_poisoned_events_total")
  private let retried = Counter(label: "rollcall_sync_batch_retries_total")
  private let duration = Timer(label: "rollcall_sync_batch_seconds")
  private let size = Recorder(label: "rollcall_sync_batch_size")

  init(
    transaction: BatchTransaction, deadLetters: DeadLetters, logger: Logger, completed: @escaping @Sendable () -> Void = {}
  ) {
    self.transaction = transaction
    self.deadLetters = deadLetters
    self.logger = logger
    self.completed = completed
  }

  /// Returns when every event is taken in, or lies with the dead letters.
  ///
  /// - Throws: `CancellationError`, also where the process is to end while the database cannot be reached; `KafkaError` where a dead
  ///   letter cannot be sent. The batch may be run again.
  func run(_ events: [ReceivedEvent]) async throws {
    guard !events.isEmpty else { return }
    let began = ContinuousClock.now
    try await takeIn(events)
    takenIn.increment(by: events.count)
    size.record(events.count)
    duration.record(duration: ContinuousClock.now - began)
  }

  private func takeIn(_ events: [ReceivedEvent]) async throws {
    var attempt = 0
    while true {
      do {
        try await transaction.run(events)
        return completed()
      } catch let error as PostgresError where error.isAboutData || error.isAboutSize || (error.isTimeout && events.count > 1) {
        return try await isolate(events, error: error)
      } catch let error as PostgresError {
        // Anything else will pass, or be mended by the operator: events that are skipped would leave the directory wrong for good.
        attempt += 1
        retried.increment()
        logger.log(
          level: error.isTransient ? .warning : .error, "batch failed, trying again",
          metadata: ["error": "\(error)", "attempt": "\(attempt)", "events": "\(events.count)"])
        if Task.isShuttingDownGracefully { throw CancellationError() }
        try await Task.sleep(for: Self.delay(beforeAttempt: attempt))
      } catch let error where !(error is CancellationError) {
        // Neither the database nor the end of the process: the event itself cannot be encoded or signed, and would fail at every start.
        return try await isolate(events, error: error)
      }
    }
  }

  /// Takes the events in one by one, so that the one that cannot be stored keeps no other from it.
  private func isolate(_ events: [ReceivedEvent], error: any Error) async throws {
    guard events.count > 1 else {
      try await bury(events[0], error: error)
      return completed()
    }
    logger.error("batch refused, taking in its events one by one", metadata: ["error": "\(error)", "events": "\(events.count)"])
    for event in events { try await takeIn([event]) }
  }

  /// Keeps an event that cannot be stored for the operator.
  private func bury(_ event: ReceivedEvent, error: any Error) async throws {
    poisoned.increment()
    logger.error(
      "event cannot be stored; it goes to the dead letters",
      metadata: ["error": "\(error)", "event": "\(event.event.identity)", "workspace": "\(event.event.workspace)"])
    try await deadLetters.send(event.message, error: "\(error)", attempts: 1)
  }

  /// From 20 ms, doubling, up to two seconds.
  static func delay(beforeAttempt attempt: Int) -> Duration {
    .milliseconds(min(2000, 10 << min(attempt, 8)))
  }
}
