import DequeModule

/// The requests in flight on a connection: sends them, and matches the server's answers, which arrive in the same order.
struct Pipeline: Sendable {
  private struct InFlightRequest {
    let request: Request
    /// Empty for a script.
    let commands: [Request.Command]
    let isRepeat: Bool
    /// The command whose answer is the next.
    var next = 0
    /// The statements that are prepared before their command, whose answers have not arrived yet.
    var preparations: Deque<(command: Int, name: String)> = []
    var rows: [Rows] = []
    var error: PostgresError?

    /// The command that the next answer belongs to; nil for a script.
    var current: Request.Command? { next < commands.count ? commands[next] : nil }
    /// The name under which the next answer prepares the current command; nil if it is the answer of the command.
    var preparation: String? { preparations.first?.command == next ? preparations.first?.name : nil }
  }

  private let libpq: LibPQConnection
  private let connection: Connection
  private var prepared = PreparedStatements()
  private var renewal: PlanRenewal?
  private var inFlight: Deque<InFlightRequest> = []
  /// The requests to be sent next; kept for its memory.
  private var taken: [Request] = []
  private var isRunningScript = false
  /// Whether the socket did not accept all data.
  private var isBlocked = false
  /// The number of requests in flight without a time limit.
  private var unlimited = 0
  /// When the server last sent something, or had nothing to answer.
  private var lastReceived = ContinuousClock.now

  /// How long after the statement timeout, which the server enforces itself, a silent server counts as lost.
  private static let grace: Duration = .seconds(5)

  /// Makes an empty pipeline that serves the queue of `connection`.
  init(on libpq: LibPQConnection, of connection: Connection) {
    self.libpq = libpq
    self.connection = connection
    renewal = connection.configuration.planning == .onceByIndex ? PlanRenewal(from: .now) : nil
  }

  /// Why a thread uses the pipeline.
  enum Event {
    /// The queue has changed.
    case queue
    /// The socket is ready.
    case socket
    /// Timeouts are due to be checked.
    case clock
  }

  /// What the connection has to do next.
  enum Progress {
    case nothing
    /// Wait until the socket accepts more data, or stop waiting.
    case waitForWriting(Bool)
    /// Close: its owner has closed it, and every request is answered. The server still runs a statement on `running`.
    case finished(running: LibPQConnection?)
  }

  /// Reads what has arrived, and sends what waits.
  ///
  /// - Throws: `PostgresError` if the connection is lost.
  mutating func advance(on event: Event) throws(PostgresError) -> Progress {
    if event == .socket { try receive() }
    let queue = try sendWaiting()
    if event == .clock { try checkForSilence() }
    switch queue.phase {
    case .closed(let error):
      let isRunning = !inFlight.isEmpty && connection.purpose == .exclusive
      fail(all: error)
      return .finished(running: isRunning ? libpq : nil)
    case .draining where queue.isDrained && inFlight.isEmpty:
      return .finished(running: nil)
    case .open, .draining:
      let wasBlocked = isBlocked
      isBlocked = try !libpq.flush()
      return isBlocked == wasBlocked ? .nothing : .waitForWriting(isBlocked)
    }
  }

  /// Fails every request in flight: the connection is lost.
  mutating func fail(all error: PostgresError) {
    var lost = error
    lost.isOutcomeUnknown = true
    while let next = inFlight.popFirst() { connection.answer(next.request, .failure(next.error ?? lost.named(next.request.name))) }
    unlimited = 0
  }

  /// Treats a server that does not enforce the statement timeout as lost.
  private func checkForSilence() throws(PostgresError) {
    let limit = connection.configuration.statementTimeout
    guard !inFlight.isEmpty, unlimited == 0, limit > .zero else { return }
    let silence = ContinuousClock.now - lastReceived
    if silence > limit + Self.grace { throw .connection("the server has not answered for \(silence)") }
  }
}

// MARK: - Sending

extension Pipeline {
  /// Buffers waiting requests until none is left or the pipeline is full.
  private mutating func sendWaiting() throws(PostgresError) -> (phase: RequestQueue.Phase, isDrained: Bool) {
    let room = isRunningScript ? 0 : connection.configuration.pipelineDepth - inFlight.count
    let queue = connection.take(upTo: room, isIdle: inFlight.isEmpty, into: &taken)
    guard !taken.isEmpty else { return queue }
    defer { taken.removeAll(keepingCapacity: true) }
    connection.metrics.sent(taken)
    var sent = 0
    do {
      if !taken[0].isScript { try renewPlans() }
      while sent < taken.count {
        sent += 1
        try send(taken[sent - 1])
      }
    } catch {
      // The connection is lost; these were taken from the queue but never sent.
      for unsent in taken[sent...] { connection.answer(unsent, .failure(error)) }
      throw error
    }
    return queue
  }

  private mutating func renewPlans() throws(PostgresError) {
    guard renewal?.isDue(at: .now) == true else { return }
    connection.countAdded()
    try send(Request(.commands([Request.Command(PlanRenewal.statement)])))
  }

  private mutating func send(_ request: Request, isRepeat: Bool = false) throws(PostgresError) {
    if inFlight.isEmpty { lastReceived = .now }
    if !request.hasTimeLimit { unlimited += 1 }
    // Appended before anything is sent, so that a connection that is lost meanwhile fails this request too.
    switch request.work {
    case .commands(let commands):
      inFlight.append(InFlightRequest(request: request, commands: commands, isRepeat: isRepeat))
      for index in commands.indices { try send(commands[index], at: index) }
      try libpq.sync()
    case .script(_, let sql):
      inFlight.append(InFlightRequest(request: request, commands: [], isRepeat: isRepeat))
      isRunningScript = true
      try libpq.start(script: sql)
    }
  }

  /// Buffers the command at `index` of the latest request.
  private mutating func send(_ command: Request.Command, at index: Int) throws(PostgresError) {
    switch prepared.plan(for: command.statement, types: command.parameters.types) {
    case .once:
      try libpq.executeOnce(command.statement.sql, command.parameters)
    case .prepared(let name):
      try libpq.execute(name, command.parameters)
    case .new(let name, let types):
      try libpq.prepare(command.statement.sql, as: name, types: types)
      inFlight[inFlight.count - 1].preparations.append((index, name))
      try libpq.execute(name, command.parameters)
    }
  }
}

// MARK: - Receiving

extension Pipeline {
  /// Reads what has arrived and answers the requests that are complete.
  private mutating func receive() throws(PostgresError) {
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
        if isRunningScript {
          try finishScript()
        } else if gaps > 1 {
          // A nil ends each statement's results. A second one means that libpq has no more results although one is expected.
          throw .connection("the server's answers do not match what was sent")
        }
        continue
      }
      gaps = 0
      switch result.status {
      case .sync: try complete()
      case .done: advance(rows: Rows(result: result))
      case .failed: fail(result.error())
      case .skipped: skip()
      case .unsupported: throw .connection("\(currentStatement): COPY cannot be used here")
      }
    }
  }

  private var currentStatement: String { inFlight.first.map { $0.current?.statement.name ?? $0.request.name } ?? "" }

  private mutating func advance(rows: Rows) {
    guard inFlight[0].current != nil else { return }
    if inFlight[0].preparation != nil {
      inFlight[0].preparations.removeFirst()
    } else {
      inFlight[0].rows.append(rows)
      inFlight[0].next += 1
    }
  }

  private mutating func fail(_ error: PostgresError) {
    if inFlight[0].error == nil { inFlight[0].error = error }
    if error.isPlanStale, let current = inFlight[0].current { prepared.forget(current.statement) }
    skip()
  }

  /// What the next answer stands for was not executed; what it would have prepared does not exist.
  private mutating func skip() {
    guard let current = inFlight[0].current else { return }
    if let name = inFlight[0].preparation {
      prepared.forget(current.statement, name: name)
      inFlight[0].preparations.removeFirst()
    } else {
      inFlight[0].next += 1
    }
  }

  private mutating func finishScript() throws(PostgresError) {
    try libpq.enterPipeline()
    isRunningScript = false
    try complete()
  }

  private mutating func complete() throws(PostgresError) {
    let done = inFlight.removeFirst()
    if !done.request.hasTimeLimit { unlimited -= 1 }
    guard let error = done.error else { return connection.answer(done.request, .success(done.rows)) }
    guard error.isPlanStale, done.request.isRepeatable, !done.isRepeat else {
      return connection.answer(done.request, .failure(error))
    }
    try send(done.request, isRepeat: true)
  }
}
