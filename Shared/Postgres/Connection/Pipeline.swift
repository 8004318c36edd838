import DequeModule

/// What is under way on one link: sends requests, and matches the server's answers with them, which come in the same order.
///
/// Lives on the connection's thread.
struct Pipeline: ~Copyable {
  /// An answer that is still to come within a request.
  private enum Step {
    case prepare(Request.Command, name: String)
    case execute(Request.Command)

    var command: Request.Command {
      switch self {
      case .prepare(let command, _), .execute(let command): command
      }
    }
  }

  private struct ConcurrencyLimit {
    let request: Request
    let isRepeat: Bool
    var steps: [Step]
    var next = 0
    var rows: [Rows] = []
    var error: PostgresError?
  }

  private let link: Link
  private let answer: (Request, Result<[Rows], any Error>) -> Void
  private var prepared = PreparedStatements()
  private var inFlight: Deque<ConcurrencyLimit> = []
  private var untimed = 0
  /// When the server was last heard, or had nothing to answer.
  private(set) var lastHeard = ContinuousClock.now

  /// - Parameter answer: Takes the outcome of each request.
  init(on link: Link, answer: @escaping (Request, Result<[Rows], any Error>) -> Void) {
    self.link = link
    self.answer = answer
  }

  var count: Int { inFlight.count }
  var isEmpty: Bool { inFlight.isEmpty }

  /// Whether every request under way is one for which a silent server counts as lost.
  var hasTimeLimit: Bool { untimed == 0 }

  /// Puts `commands` of `request` into the link's buffer.
  mutating func send(_ commands: [Request.Command], of request: Request, isRepeat: Bool = false) throws(PostgresError) {
    if inFlight.isEmpty { lastHeard = .now }
    var steps: [Step] = []
    steps.reserveCapacity(commands.count + 1)
    // Appended before anything is sent, so that a link that fails meanwhile fails this request too.
    inFlight.append(ConcurrencyLimit(request: request, isRepeat: isRepeat, steps: []))
    if !request.hasTimeLimit { untimed += 1 }
    for command in commands {
      switch prepared.plan(for: command.statement, types: command.parameters.types) {
      case .once:
        try link.executeOnce(command.statement.sql, command.parameters)
      case .prepared(let name):
        try link.execute(name, command.parameters)
      case .new(let name, let types):
        try link.prepare(command.statement.sql, as: name, types: types)
        steps.append(.prepare(command, name: name))
        try link.execute(name, command.parameters)
      }
      steps.append(.execute(command))
    }
    try link.sync()
    inFlight[inFlight.count - 1].steps = steps
  }

  /// Reads what has arrived and answers the requests that are complete.
  ///
  /// - Throws: `PostgresError` where the link is of no use any more.
  mutating func receive() throws(PostgresError) {
    let isConnected = link.receive()
    lastHeard = .now
    // The server's last words may have come together with the end of the connection.
    try readResults()
    guard isConnected else { throw link.failure }
  }

  private mutating func readResults() throws(PostgresError) {
    var gaps = 0
    while !inFlight.isEmpty, !link.isBusy {
      guard let result = link.nextResult(of: currentStatement) else {
        gaps += 1
        // One ends each statement's results. More mean that libpq has nothing left where an answer is due.
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

  /// The present step was not carried out; what it would have prepared is not there.
  private mutating func skip() {
    guard inFlight[0].next < inFlight[0].steps.count else { return }
    if case .prepare(let command, let name) = inFlight[0].steps[inFlight[0].next] { prepared.forget(command.statement, name: name) }
    inFlight[0].next += 1
  }

  private mutating func complete() throws(PostgresError) {
    let done = inFlight.removeFirst()
    if !done.request.hasTimeLimit { untimed -= 1 }
    guard let error = done.error else { return answer(done.request, .success(done.rows)) }
    guard error.isPlanStale, done.request.isRepeatable, !done.isRepeat, case .commands(let commands) = done.request.work else {
      return answer(done.request, .failure(error))
    }
    try send(commands, of: done.request, isRepeat: true)
  }

  /// Answers everything that is under way with an error: the link is lost.
  mutating func fail(all error: PostgresError) {
    var lost = error
    lost.isOutcomeUnknown = true
    while let next = inFlight.popFirst() { answer(next.request, .failure(next.error ?? lost.named(next.request.name))) }
    untimed = 0
  }
}
