import Foundation
import Logging
import Synchronization

/// One connection to the server, and the thread that owns it.
///
/// Requests from any number of tasks go into a queue. The thread sends what queued up while it was busy as one pipeline, and more of it
/// while it waits for the answers.
final class Connection: Sendable {
  enum Purpose: String, Sendable {
    /// Many tasks' statements, each a transaction of its own. Comes back by itself after a loss.
    case shared
    /// One borrower's transaction or session. Once lost it stays lost, since what the session held is gone.
    case exclusive
  }

  let purpose: Purpose
  let configuration: PostgresConfiguration
  let metrics: PoolMetrics
  let logger: Logger
  let wakeUp: WakeUp
  private let inbox = Mutex(Inbox())
  private let pending = Atomic<Int>(0)
  private let connected = Atomic<Bool>(false)

  /// - Throws: `POSIXError` where the process has no more file descriptors.
  init(_ purpose: Purpose, _ configuration: PostgresConfiguration, metrics: PoolMetrics, logger: Logger) throws {
    self.purpose = purpose
    self.configuration = configuration
    self.metrics = metrics
    self.logger = logger
    wakeUp = try WakeUp()
  }

  /// How many requests are not answered yet.
  var load: Int { pending.load(ordering: .relaxed) }

  var isConnected: Bool { connected.load(ordering: .relaxed) }

  /// Why there is no connection at present; nil where there is one, or none was tried.
  var failure: PostgresError? { inbox.withLock { $0.failure } }

  /// Whether requests are still accepted.
  var isOpen: Bool {
    inbox.withLock { inbox in
      if case .open = inbox.phase { true } else { false }
    }
  }

  /// Puts `request` behind those that wait; its outcome says what came of it.
  func enqueue(_ request: Request) {
    pending.add(1, ordering: .relaxed)
    switch inbox.withLock({ $0.receive(request) }) {
    case .refused(let error): answer(request, .failure(error.named(request.name)))
    case .queued(_, needsThread: true): startThread()
    case .queued(needsWakeUp: true, _): wakeUp.signal()
    case .queued: break
    }
  }

  /// Connects now rather than with the first request.
  func start() {
    if inbox.withLock({ $0.start() }) { startThread() }
  }

  /// Lets what is under way and what is queued finish, then closes.
  func drain() {
    inbox.withLock { $0.drain() }
    wakeUp.signal()
  }

  /// Closes at once: what is not answered fails with `error`.
  func close(_ error: PostgresError) {
    let abandoned = inbox.withLock { $0.close(error) }
    wakeUp.signal()
    for request in abandoned { answer(request, .failure(error.named(request.name))) }
  }

  /// Waits until the thread has ended and the connection is closed.
  func ended() async {
    await withCheckedContinuation { continuation in
      if inbox.withLock({ $0.awaitEnd(continuation) }) { continuation.resume() }
    }
  }

  private func startThread() {
    let thread = Thread { ConnectionLoop(for: self).run() }
    thread.name = "postgres-\(purpose.rawValue)"
    thread.start()
  }
}

/// What the connection's thread does with it.
extension Connection {
  var phase: Inbox.Phase { inbox.withLock { $0.phase } }

  /// Whether nothing waits and nothing more can come.
  var isDrained: Bool {
    inbox.withLock { inbox in
      switch inbox.phase {
      case .open: false
      case .draining: inbox.isEmpty
      case .closed: true
      }
    }
  }

  /// Takes at most `room` waiting requests; those that waited for too long are answered with an error.
  func take(upTo room: Int, into taken: inout [Request]) {
    var expired: [Request] = []
    let oldest = ContinuousClock.now - configuration.maximumWait
    let failure = inbox.withLock { inbox in
      inbox.take(upTo: room, into: &taken, expired: &expired, oldest: oldest)
      return inbox.failure
    }
    guard !expired.isEmpty else { return }
    let reason = failure.map(\.message) ?? "the server does not keep up"
    for request in expired {
      answer(request, .failure(PostgresError.connection("not sent within \(configuration.maximumWait): \(reason)").named(request.name)))
    }
  }

  func answer(_ request: Request, _ outcome: Result<[Rows], any Error>) {
    pending.subtract(1, ordering: .relaxed)
    metrics.answered(after: ContinuousClock.now - request.created, outcome)
    request.outcome.finish(outcome)
  }

  /// - Parameter failure: Why there is no connection.
  func connectionChanged(isConnected: Bool, failure: PostgresError? = nil) {
    inbox.withLock { $0.failure = failure }
    guard connected.exchange(isConnected, ordering: .relaxed) != isConnected else { return }
    metrics.connectionsChanged(purpose, by: isConnected ? 1 : -1)
  }

  func threadEnded() {
    for waiter in inbox.withLock({ $0.end() }) { waiter.resume() }
  }
}
