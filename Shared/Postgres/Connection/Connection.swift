import Foundation
import Logging
import Synchronization

/// A connection to the server, and the thread that owns it.
///
/// Tasks enqueue requests. The thread sends the waiting requests as one pipeline, and sends further ones while it waits for answers.
final class Connection: Sendable {
  enum Purpose: String, Sendable {
    /// For statements of many tasks, each its own transaction. Reconnects after a loss.
    case shared
    /// For the transaction or session of one task. Does not reconnect, since the state of the session is lost.
    case exclusive
  }

  let purpose: Purpose
  let configuration: PostgresConfiguration
  let metrics: PoolMetrics
  let logger: Logger
  let wakeup: WakeupPipe
  private let queue = Mutex(RequestQueue())
  private let unanswered = Atomic<Int>(0)
  private let connected = Atomic<Bool>(false)

  /// Makes a connection that connects on the first request, or on ``start()``.
  ///
  /// - Throws: `POSIXError` if the process has no more file descriptors.
  init(_ purpose: Purpose, _ configuration: PostgresConfiguration, metrics: PoolMetrics, logger: Logger) throws {
    self.purpose = purpose
    self.configuration = configuration
    self.metrics = metrics
    self.logger = logger
    wakeup = try WakeupPipe()
  }

  /// The number of requests that are not answered yet.
  var load: Int { unanswered.load(ordering: .relaxed) }

  var isConnected: Bool { connected.load(ordering: .relaxed) }

  /// Why there is currently no connection; nil if there is one, or no attempt was made.
  var failure: PostgresError? { queue.withLock { $0.failure } }

  /// Whether it accepts requests.
  var isOpen: Bool {
    queue.withLock { queue in
      if case .open = queue.phase { true } else { false }
    }
  }

  /// Enqueues `request`, whose promise gets the outcome. A closed connection fails it at once.
  func enqueue(_ request: Request) {
    unanswered.add(1, ordering: .relaxed)
    switch queue.withLock({ $0.enqueue(request) }) {
    case .rejected(let error): answer(request, .failure(error.named(request.name)))
    case .queued(_, needsThread: true): startThread()
    case .queued(needsWakeUp: true, _): wakeup.signal()
    case .queued: break
    }
  }

  /// Connects now rather than with the first request.
  func start() {
    if queue.withLock({ $0.start() }) { startThread() }
  }

  /// Rejects new requests, lets the others finish, then closes.
  func drain() {
    queue.withLock { $0.drain() }
    wakeup.signal()
  }

  /// Closes at once: unanswered requests fail with `error`.
  func close(_ error: PostgresError) {
    let abandoned = queue.withLock { $0.close(error) }
    wakeup.signal()
    for request in abandoned { answer(request, .failure(error.named(request.name))) }
  }

  /// Waits until the thread has ended and the connection is closed.
  func ended() async {
    await withCheckedContinuation { continuation in
      if queue.withLock({ $0.awaitEnd(continuation) }) { continuation.resume() }
    }
  }

  private func startThread() {
    let thread = Thread { ConnectionLoop(for: self).run() }
    thread.name = "postgres-\(purpose.rawValue)"
    thread.start()
  }
}

/// The interface for the connection's thread.
extension Connection {
  var phase: RequestQueue.Phase { queue.withLock { $0.phase } }

  /// Whether the queue is empty and rejects new requests.
  var isDrained: Bool {
    queue.withLock { queue in
      switch queue.phase {
      case .open: false
      case .draining: queue.isEmpty
      case .closed: true
      }
    }
  }

  /// Takes at most `room` waiting requests. Those that have waited longer than ``PostgresConfiguration/maximumWait`` fail.
  func take(upTo room: Int, into taken: inout [Request]) {
    var expired: [Request] = []
    let oldest = ContinuousClock.now - configuration.maximumWait
    let failure = queue.withLock { queue in
      queue.take(upTo: room, into: &taken, expired: &expired, oldest: oldest)
      return queue.failure
    }
    guard !expired.isEmpty else { return }
    let reason = failure.map(\.message) ?? "the server does not keep up"
    for request in expired {
      answer(request, .failure(PostgresError.connection("not sent within \(configuration.maximumWait): \(reason)").named(request.name)))
    }
  }

  /// Gives a request its outcome.
  func answer(_ request: Request, _ outcome: Result<[Rows], any Error>) {
    unanswered.subtract(1, ordering: .relaxed)
    metrics.answered(after: ContinuousClock.now - request.created, outcome)
    request.outcome.finish(outcome)
  }

  /// Records that the connection was made or lost.
  ///
  /// - Parameter failure: Why there is no connection.
  func connectionChanged(isConnected: Bool, failure: PostgresError? = nil) {
    queue.withLock { $0.failure = failure }
    guard connected.exchange(isConnected, ordering: .relaxed) != isConnected else { return }
    metrics.connectionsChanged(purpose, by: isConnected ? 1 : -1)
  }

  /// Resumes the tasks that wait in ``ended()``.
  func threadEnded() {
    for waiter in queue.withLock({ $0.end() }) { waiter.resume() }
  }
}
