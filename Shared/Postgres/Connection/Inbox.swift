import DequeModule

/// What waits to be sent on one connection, and whether more may come. Pure; ``Connection`` guards it with its lock.
struct Inbox {
  enum Phase {
    case open
    /// No more requests come; what is there is still sent.
    case draining
    /// Nothing is sent any more.
    case closed(PostgresError)
  }

  private(set) var phase = Phase.open
  private var queue: Deque<Request> = []
  /// Whether the thread sleeps and has to be woken for a new request.
  private var isAsleep = false
  private var hasThread = false
  /// Why there is no connection at present, where there was a try.
  var failure: PostgresError?
  private var hasEnded = false
  private var endWaiters: [CheckedContinuation<Void, Never>] = []

  enum Reception {
    case refused(PostgresError)
    case queued(needsWakeUp: Bool, needsThread: Bool)
  }

  mutating func receive(_ request: Request) -> Reception {
    switch phase {
    case .draining: return .refused(.connection("the connection is being closed"))
    case .closed(let error): return .refused(error)
    case .open: break
    }
    queue.append(request)
    defer {
      isAsleep = false
      hasThread = true
    }
    return .queued(needsWakeUp: isAsleep, needsThread: !hasThread)
  }

  /// Marks the thread as started.
  ///
  /// - Returns: Whether it has to be.
  mutating func start() -> Bool {
    defer { hasThread = true }
    return !hasThread && !hasEnded
  }

  /// Takes at most `room` requests, oldest first, those aside that waited since before `oldest` or that nobody waits for any more.
  mutating func take(upTo room: Int, into taken: inout [Request], expired: inout [Request], oldest: ContinuousClock.Instant) {
    while let next = queue.first {
      if next.created < oldest || next.outcome.isFinished {
        expired.append(queue.removeFirst())
      } else if taken.count < room {
        taken.append(queue.removeFirst())
      } else {
        break
      }
    }
    isAsleep = queue.isEmpty && taken.isEmpty
  }

  var isEmpty: Bool { queue.isEmpty }

  mutating func drain() {
    if case .open = phase { phase = .draining }
  }

  /// Takes out everything that waits; nothing comes after it.
  mutating func close(_ error: PostgresError) -> Deque<Request> {
    if case .closed = phase {} else { phase = .closed(error) }
    defer { queue = [] }
    return queue
  }

  /// - Returns: Whether it has ended already, so that `waiter` is not kept.
  mutating func awaitEnd(_ waiter: CheckedContinuation<Void, Never>) -> Bool {
    guard hasThread, !hasEnded else { return true }
    endWaiters.append(waiter)
    return false
  }

  mutating func end() -> [CheckedContinuation<Void, Never>] {
    hasEnded = true
    defer { endWaiters = [] }
    return endWaiters
  }
}
