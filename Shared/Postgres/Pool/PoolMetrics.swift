import Metrics

/// The metrics of a pool.
struct PoolMetrics: Sendable {
  private let requests: Counter
  private let errors: Counter
  private let pipelines: Counter
  private let duration: Metrics.Timer
  private let queueWait: Metrics.Timer
  private let borrowWait: Metrics.Timer
  private let connectFailures: Counter
  private let sharedConnections: Meter
  private let exclusiveConnections: Meter

  init(factory: any MetricsFactory) {
    requests = Counter(label: "postgres_requests_total", factory: factory)
    errors = Counter(label: "postgres_errors_total", factory: factory)
    pipelines = Counter(label: "postgres_pipelines_total", factory: factory)
    duration = Metrics.Timer(label: "postgres_request_duration_seconds", factory: factory)
    queueWait = Metrics.Timer(label: "postgres_queue_wait_seconds", factory: factory)
    borrowWait = Metrics.Timer(label: "postgres_borrow_wait_seconds", factory: factory)
    connectFailures = Counter(label: "postgres_connect_failures_total", factory: factory)
    sharedConnections = Meter(label: "postgres_connections", dimensions: [("purpose", "shared")], factory: factory)
    exclusiveConnections = Meter(label: "postgres_connections", dimensions: [("purpose", "exclusive")], factory: factory)
  }

  /// Records that `requests` were sent in one pipeline.
  func sent(_ requests: [Request]) {
    pipelines.increment()
    let now = ContinuousClock.now
    for request in requests { queueWait.recordNanoseconds((now - request.created).nanoseconds) }
  }

  /// Records the outcome of a request, and the time since it was enqueued.
  func answered(after time: Duration, _ outcome: Result<[Rows], any Error>) {
    requests.increment()
    if case .failure = outcome { errors.increment() }
    duration.recordNanoseconds(time.nanoseconds)
  }

  /// Records how long a task waited for an exclusive connection.
  func borrowed(after time: Duration) { borrowWait.recordNanoseconds(time.nanoseconds) }

  func connectFailed() { connectFailures.increment() }

  func connectionsChanged(_ purpose: Connection.Purpose, by difference: Int) {
    let meter = purpose == .shared ? sharedConnections : exclusiveConnections
    if difference > 0 { meter.increment(by: Double(difference)) } else { meter.decrement(by: Double(-difference)) }
  }
}

extension Duration {
  fileprivate var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}
