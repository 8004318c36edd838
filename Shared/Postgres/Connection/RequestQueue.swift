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

  private(set) var phase = Phase.open
  private var requests: Deque<Request> = []
  /// Whether the thread waits and has to be woken for a new request.
  private var isAsleep = false
  private var hasThread = false
  /// Why there is currently no connection; nil if there is one, or no attempt was made.
  var failure: PostgresError?
  private var hasEnded = false
  private var endWaiters: [CheckedContinuation<Void, Never>] = []

  enum EnqueueResult {
    case rejected(PostgresError)
    case queued(needsWakeUp: Bool, needsThread: Bool)
  }

  /// Appends a request, unless the queue is draining or closed.
  mutating func enqueue(_ request: Request) -> EnqueueResult {
    switch phase {
    case .draining: return .rejected(.connection("the connection is being closed"))
    case .closed(let error): return .rejected(error)
    case .open: break
    }
    requests.append(request)
    defer {
      isAsleep = false
      hasThread = true
    }
    return .queued(needsWakeUp: isAsleep, needsThread: !hasThread)
  }

  /// Marks the thread as started.
  ///
  /// - Returns: Whether the caller has to start it.
  mutating func start() -> Bool {
    defer { hasThread = true }
    return !hasThread && !hasEnded
  }

  /// Moves at most `room` requests to `taken`, oldest first, and those that were created before `oldest` or whose task no longer waits to
  /// `expired`.
  mutating func take(upTo room: Int, into taken: inout [Request], expired: inout [Request], oldest: ContinuousClock.Instant) {
    while let next = requests.first {
      if next.created < oldest || next.outcome.isFinished {
        expired.append(requests.removeFirst())
      } else if taken.count < room {
        taken.append(requests.removeFirst())
      } else {
        break
      }
    }
    isAsleep = requests.isEmpty && taken.isEmpty
  }

  var isEmpty: Bool { requests.isEmpty }

  /// Rejects new requests from now on.
  mutating func drain() {
    if case .open = phase { phase = .draining }
  }

  /// Closes the queue and removes the waiting requests.
  mutating func close(_ error: PostgresError) -> Deque<Request> {
    if case .closed = phase {} else { phase = .closed(error) }
    defer { requests = [] }
    return requests
  }

  /// Keeps `waiter` until the thread ends.
  ///
  /// - Returns: Whether the thread has already ended or never started; `waiter` is not kept then.
  mutating func awaitEnd(_ waiter: CheckedContinuation<Void, Never>) -> Bool {
    guard hasThread, !hasEnded else { return true }
    endWaiters.append(waiter)
    return false
  }

  /// Marks the thread as ended, and returns the tasks that wait for it.
  mutating func end() -> [CheckedContinuation<Void, Never>] {
    hasEnded = true
    defer { endWaiters = [] }
    return endWaiters
  }
}
