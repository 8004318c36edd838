import DequeModule

/// The requests in flight on a connection: sends them, and matches the server's answers, which arrive in the same order.
///
/// Used on the connection's thread only.
struct Pipeline: ~Copyable {
  /// An answer that a request expects.
  private enum Step {
    case prepare(Request.Command, name: String)
    case execute(Request.Command)

    var command: Request.Command {
      switch self {
      case .prepare(let command, _), .execute(let command): command
      }
    }
  }

  private struct InFlightRequest {
    let request: Request
    let isRepeat: Bool
    var steps: [Step]
    var next = 0
    var rows: [Rows] = []
    var error: PostgresError?
  }

  private let libpq: LibPQConnection
  private let connection: Connection
  private var prepared = PreparedStatements()
  private var inFlight: Deque<InFlightRequest> = []
  /// The number of requests in flight without a time limit.
  private var unlimited = 0
  /// When the server last sent something, or had nothing to answer.
  private(set) var lastReceived = ContinuousClock.now

  /// Makes an empty pipeline; ``Connection/answer(_:_:)`` of `connection` gets the outcomes.
  init(on libpq: LibPQConnection, of connection: Connection) {
    self.libpq = libpq
    self.connection = connection
  }

  var count: Int { inFlight.count }
  var isEmpty: Bool { inFlight.isEmpty }

  /// Whether every request in flight has a time limit.
  var hasTimeLimit: Bool { unlimited == 0 }

  /// Buffers `commands` of `request`.
  mutating func send(_ commands: [Request.Command], of request: Request, isRepeat: Bool = false) throws(PostgresError) {
    if inFlight.isEmpty { lastReceived = .now }
    var steps: [Step] = []
    steps.reserveCapacity(commands.count + 1)
    // Appended before anything is sent, so that a connection that is lost meanwhile fails this request too.
    inFlight.append(InFlightRequest(request: request, isRepeat: isRepeat, steps: []))
    if !request.hasTimeLimit { unlimited += 1 }
    for command in commands {
      switch prepared.plan(for: command.statement, types: command.parameters.types) {
      case .once:
        try libpq.executeOnce(command.statement.sql, command.parameters)
      case .prepared(let name):
        try libpq.execute(name, command.parameters)
      case .new(let name, let types):
        try libpq.prepare(command.statement.sql, as: name, types: types)
        steps.append(.prepare(command, name: name))
        try libpq.execute(name, command.parameters)
      }
      steps.append(.execute(command))
    }
    try libpq.sync()
    inFlight[inFlight.count - 1].steps = steps
  }

  /// Reads what has arrived and answers the requests that are complete.
  ///
  /// - Throws: `PostgresError` if the connection is lost.
  mutating func receive() throws(PostgresError) {
    let isConnected = libpq.receive()
    lastReceived = .now
    // The last answers may have arrived together with the end of the connection.
    try readResults()
    guard isConnected else { throw libpq.failure }
  }

  private mutating func readResults() throws(PostgresError) {
    var gaps = 0
    while !inFlight.isEmpty, !libpq.isBusy {
      guard let result = libpq.nextResult(of: currentStatement) else {
        gaps += 1
        // A nil ends each statement's results. A second one means that libpq has no more results although one is expected.
        guard gaps < 2 else { throw .connection("the server's answers do not match what was sent") }
        continue
      }
      gaps = 0
      switch result.status {
      case .sync: try complete()
      case .done: advance(rows: Rows(result: result))
      case .failed: fail(result.error())
      case .skipped: skip()
      case .unsupported: throw .connection("\(currentStatement): COPY cannot be used in a pipeline")
      }
    }
  }

  private var currentStatement: String {
    guard let first = inFlight.first, first.next < first.steps.count else { return "" }
    return first.steps[first.next].command.statement.name
  }

  private mutating func advance(rows: Rows) {
    guard inFlight[0].next < inFlight[0].steps.count else { return }
    if case .execute = inFlight[0].steps[inFlight[0].next] { inFlight[0].rows.append(rows) }
    inFlight[0].next += 1
  }

  private mutating func fail(_ error: PostgresError) {
    if inFlight[0].error == nil { inFlight[0].error = error }
    guard inFlight[0].next < inFlight[0].steps.count else { return }
    if error.isPlanStale { prepared.forget(inFlight[0].steps[inFlight[0].next].command.statement) }
    skip()
  }

  /// The current step was not executed; what it would have prepared does not exist.
  private mutating func skip() {
    guard inFlight[0].next < inFlight[0].steps.count else { return }
    if case .prepare(let command, let name) = inFlight[0].steps[inFlight[0].next] { prepared.forget(command.statement, name: name) }
    inFlight[0].next += 1
  }

  private mutating func complete() throws(PostgresError) {
    let done = inFlight.removeFirst()
    if !done.request.hasTimeLimit { unlimited -= 1 }
    guard let error = done.error else { return connection.answer(done.request, .success(done.rows)) }
    guard error.isPlanStale, done.request.isRepeatable, !done.isRepeat, case .commands(let commands) = done.request.work else {
      return connection.answer(done.request, .failure(error))
    }
    try send(commands, of: done.request, isRepeat: true)
  }

  /// Fails every request in flight: the connection is lost.
  mutating func fail(all error: PostgresError) {
    var lost = error
    lost.isOutcomeUnknown = true
    while let next = inFlight.popFirst() { connection.answer(next.request, .failure(next.error ?? lost.named(next.request.name))) }
    unlimited = 0
  }
}
