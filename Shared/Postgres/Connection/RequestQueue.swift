import DequeModule

/// The requests that wait to be sent on a connection, and the connection's life cycle. A value without I/O; ``Connection`` guards it with a
/// lock.
struct RequestQueue {
  enum Phase {
    case open
    /// New requests are rejected; waiting ones are still sent.
    case draining
    /// Nothing is sent any more; new requests fail with the error.
    case closed(PostgresError)
  }

  private enum Link {
    /// No request has needed a connection yet.
    case unused
    /// A thread connects.
    case connecting
    case connected
    /// Closed for good.
    case ended
  }

  private(set) var phase = Phase.open
  private var link = Link.unused
  private var requests: Deque<Request> = []
  /// Whether something has changed since a thread last looked at the queue.
  private var hasNews = false
  /// The number of threads that use the pipeline, or are about to. Each looks at the queue again before it leaves.
  private var serving = 0
  /// Why there is currently no connection; nil if there is one, or no attempt was made.
  var failure: PostgresError?
  private var endWaiters: [CheckedContinuation<Void, Never>] = []

  /// What the caller has to do after a change.
  enum Action {
    case nothing
    /// Start a thread that connects.
    case connect
    /// Use the pipeline until ``leave()`` returns true.
    case serve
  }

  /// Appends a request.
  ///
  /// - Throws: `PostgresError` if the queue is draining or closed.
  mutating func enqueue(_ request: Request) throws(PostgresError) -> Action {
    switch phase {
    case .draining: throw .connection("the connection is being closed")
    case .closed(let error): throw error
    case .open: requests.append(request)
    }
    return link == .unused ? start() : notify()
  }

  /// Starts to connect, unless that has happened before.
  mutating func start() -> Action {
    guard link == .unused, case .open = phase else { return .nothing }
    link = .connecting
    return .connect
  }

  /// Rejects new requests from now on.
  mutating func drain() -> Action {
    if case .open = phase { phase = .draining }
    return notify()
  }

  /// Closes the queue, and moves the waiting requests to `abandoned`.
  mutating func close(_ error: PostgresError, abandoned: inout Deque<Request>) -> Action {
    if case .closed = phase {} else { phase = .closed(error) }
    swap(&requests, &abandoned)
    return notify()
  }

  /// One thread at a time serves the queue for all.
  private mutating func notify() -> Action {
    hasNews = true
    guard link == .connected, serving == 0 else { return .nothing }
    serving = 1
    return .serve
  }

  /// Counts a thread that uses the pipeline although nothing has changed here. It has to call ``leave()``.
  mutating func enter() { serving += 1 }

  /// Ends the turn of a serving thread.
  ///
  /// - Returns: False if the queue has changed meanwhile, and the thread has to look at it again.
  mutating func leave() -> Bool {
    if hasNews { return false }
    serving -= 1
    return true
  }

  /// Marks the changes as seen.
  mutating func markSeen() { hasNews = false }

  /// Moves requests to `taken`, oldest first, and those that were created before `oldest` or whose task no longer waits to `expired`.
  ///
  /// - Parameters:
  ///   - room: The number of requests to take at most.
  ///   - isIdle: Whether no request is in flight. A script is taken only then, and alone.
  mutating func take(
    upTo room: Int, isIdle: Bool, into taken: inout [Request], expired: inout [Request], oldest: ContinuousClock.Instant
  ) {
    hasNews = false
    while let next = requests.first {
      if next.created < oldest || next.outcome.isFinished {
        expired.append(requests.removeFirst())
      } else if taken.count < room, !next.isScript || (isIdle && taken.isEmpty) {
        taken.append(requests.removeFirst())
        if next.isScript { break }
      } else {
        break
      }
    }
  }

  /// Whether the queue is empty and rejects new requests.
  var isDrained: Bool {
    switch phase {
    case .open: false
    case .draining: requests.isEmpty
    case .closed: true
    }
  }

  /// Marks the connection as made, and counts the calling thread as serving.
  mutating func connected() {
    link = .connected
    failure = nil
    serving += 1
  }

  /// Marks the connection as lost.
  ///
  /// - Returns: Whether to connect again.
  mutating func reconnect() -> Bool {
    guard !isDrained else { return false }
    link = .connecting
    return true
  }

  /// Keeps `waiter` until the connection ends.
  ///
  /// - Returns: Whether it has already ended, or never began; `waiter` is not kept then.
  mutating func awaitEnd(_ waiter: CheckedContinuation<Void, Never>) -> Bool {
    if link == .unused || link == .ended { return true }
    endWaiters.append(waiter)
    return false
  }

  /// Marks the connection as closed for good, and returns the tasks that wait for it.
  mutating func end() -> [CheckedContinuation<Void, Never>] {
    link = .ended
    defer { endWaiters = [] }
    return endWaiters
  }
}
