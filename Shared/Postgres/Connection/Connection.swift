import DequeModule
import Foundation
import Logging
import Synchronization

/// A connection to the server.
///
/// The task that enqueues a request also sends it; the pool's ``SocketPoller`` reads the answers. While one thread uses the connection,
/// others only append to the queue, and that thread sends their requests together.
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
  private let poller: SocketPoller
  private let queue = Mutex(RequestQueue())
  /// The pipeline while there is a connection. Lock order: this lock before that of `queue`.
  private let pipeline = Mutex<Pipeline?>(nil)
  private let unanswered = Atomic<Int>(0)
  private let connected = Atomic<Bool>(false)

  /// Makes a connection that connects on the first request, or on ``start()``.
  init(_ purpose: Purpose, _ configuration: PostgresConfiguration, poller: SocketPoller, metrics: PoolMetrics, logger: Logger) {
    self.purpose = purpose
    self.configuration = configuration
    self.poller = poller
    self.metrics = metrics
    self.logger = logger
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

  /// Whether nothing is left to send and new requests are rejected.
  var isDrained: Bool { queue.withLock { $0.isDrained } }

  /// Sends `request`, whose promise gets the outcome, or enqueues it while there is no connection or no room. A closed connection fails it at
  /// once.
  func enqueue(_ request: Request) {
    unanswered.add(1, ordering: .relaxed)
    do throws(PostgresError) {
      act(on: try queue.withLock { queue throws(PostgresError) in try queue.enqueue(request) })
    } catch {
      answer(request, .failure(error.named(request.name)))
    }
  }

  /// Connects now rather than with the first request.
  func start() {
    act(on: queue.withLock { $0.start() })
  }

  /// Rejects new requests, lets the others finish, then closes.
  func drain() {
    act(on: queue.withLock { $0.drain() })
  }

  /// Closes at once: unanswered requests fail with `error`.
  func close(_ error: PostgresError) {
    var abandoned: Deque<Request> = []
    act(on: queue.withLock { $0.close(error, abandoned: &abandoned) })
    for request in abandoned { answer(request, .failure(error.named(request.name))) }
  }

  /// Waits until the connection is closed.
  func ended() async {
    await withCheckedContinuation { continuation in
      if queue.withLock({ $0.awaitEnd(continuation) }) { continuation.resume() }
    }
  }

  private func act(on action: RequestQueue.Action) {
    switch action {
    case .nothing: break
    case .connect: startConnecting()
    case .serve: serve(.queue)
    }
  }

  private func startConnecting() {
    let thread = Thread { Connector(for: self).run() }
    thread.name = "postgres-connect"
    thread.start()
  }
}

// MARK: - Using the connection

extension Connection {
  /// Reads what has arrived, and sends what waits.
  func socketIsReady() {
    queue.withLock { $0.enter() }
    serve(.socket)
  }

  /// Fails requests that have waited too long, and a connection whose server is silent.
  func checkTimeouts() {
    queue.withLock { $0.enter() }
    serve(.clock)
  }

  /// Uses the pipeline until nothing is new in the queue. The calling thread counts as serving already.
  private func serve(_ event: Pipeline.Event) {
    pipeline.withLock { work(&$0, on: event) }
    while !queue.withLock({ $0.leave() }) { pipeline.withLock { work(&$0, on: .queue) } }
  }

  private func work(_ pipeline: inout Pipeline?, on event: Pipeline.Event) {
    do throws(PostgresError) {
      guard let progress = try pipeline?.advance(on: event) else { return queue.withLock { $0.markSeen() } }
      switch progress {
      case .nothing: break
      case .waitForWriting(let isBlocked): poller.setWriting(self, isBlocked)
      case .finished(let running):
        poller.remove(self)
        pipeline = nil
        if let running { cancel(running) } else { end() }
      }
    } catch {
      poller.remove(self)
      pipeline?.fail(all: error)
      pipeline = nil
      lost(error)
    }
  }

  private func lost(_ error: PostgresError) {
    logger.warning("The connection to PostgreSQL was lost", metadata: ["error": "\(error)"])
    connectionChanged(isConnected: false, failure: error)
    if purpose == .shared, queue.withLock({ $0.reconnect() }) { startConnecting() } else { end() }
  }

  /// Cancels the running statement, whose answer nobody awaits, and ends. libpq blocks while it connects for that.
  private func cancel(_ running: LibPQConnection) {
    let thread = Thread {
      running.cancelRunning()
      self.end()
    }
    thread.name = "postgres-cancel"
    thread.start()
  }

  /// Installs a connection that was made, and sends what waits.
  ///
  /// - Throws: `PostgresError` if the process has no more file descriptors.
  func install(_ libpq: LibPQConnection) throws(PostgresError) {
    try pipeline.withLock { pipeline throws(PostgresError) in
      try poller.add(self, socket: libpq.socket)
      pipeline = Pipeline(on: libpq, of: self)
      queue.withLock { $0.connected() }
      connectionChanged(isConnected: true)
    }
    serve(.queue)
  }

  /// Closes for good, after the connection is closed or when it cannot be made.
  func end() {
    let failure = failure
    connectionChanged(isConnected: false, failure: failure)
    close(failure ?? .connection("the connection is closed"))
    for waiter in queue.withLock({ $0.end() }) { waiter.resume() }
  }

  /// Takes at most `room` waiting requests. Those that have waited longer than ``PostgresConfiguration/maximumWait`` fail.
  ///
  /// - Parameter isIdle: Whether no request is in flight.
  /// - Returns: The phase after that, and whether nothing is left to send.
  @discardableResult
  func take(upTo room: Int, isIdle: Bool, into taken: inout [Request]) -> (phase: RequestQueue.Phase, isDrained: Bool) {
    var expired: [Request] = []
    let oldest = ContinuousClock.now - configuration.maximumWait
    let (phase, isDrained, failure) = queue.withLock { queue in
      queue.take(upTo: room, isIdle: isIdle, into: &taken, expired: &expired, oldest: oldest)
      return (queue.phase, queue.isDrained, queue.failure)
    }
    let reason = failure.map(\.message) ?? "the server does not keep up"
    for request in expired {
      answer(request, .failure(PostgresError.connection("not sent within \(configuration.maximumWait): \(reason)").named(request.name)))
    }
    return (phase, isDrained)
  }

  /// Counts a request that the pipeline adds itself.
  func countAdded() { unanswered.add(1, ordering: .relaxed) }

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
}
