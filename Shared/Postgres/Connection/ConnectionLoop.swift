import Foundation
import Logging

/// The loop of a connection's thread: connect, serve requests until the connection is lost, back off, reconnect.
struct ConnectionLoop {
  private let connection: Connection
  private var backoff = Backoff()

  /// How often the thread checks for timeouts while it waits for the server.
  private static let tick: Duration = .milliseconds(250)
  /// How long after the statement timeout, which the server enforces itself, a silent server counts as lost.
  private static let grace: Duration = .seconds(5)

  init(for connection: Connection) {
    self.connection = connection
  }

  /// Runs until the connection is closed for good.
  consuming func run() {
    defer { connection.threadEnded() }
    while !connection.isDrained {
      do {
        let libpq = try connect()
        backoff.reset()
        connection.connectionChanged(isConnected: true)
        try serve(libpq)
      } catch {
        guard reconnects(after: error) else { break }
      }
    }
    let failure = connection.failure
    connection.connectionChanged(isConnected: false, failure: failure)
    connection.close(failure ?? .connection("the connection is closed"))
  }

  /// Records why serving ended, and backs off before the next attempt.
  ///
  /// - Returns: Whether to connect again.
  private mutating func reconnects(after error: Interruption) -> Bool {
    switch error {
    case .closed: return false
    case .lost(let error):
      connection.logger.warning("The connection to PostgreSQL was lost", metadata: ["error": "\(error)"])
      connection.connectionChanged(isConnected: false, failure: error)
      if connection.purpose == .exclusive { return false }
    case .unreachable(let error):
      connection.logger.debug("PostgreSQL cannot be reached", metadata: ["error": "\(error)"])
      connection.metrics.connectFailed()
      connection.connectionChanged(isConnected: false, failure: error)
      if error.isPermanent { return false }
    }
    pause(backoff.next())
    return true
  }

  /// Waits, but returns early if the connection is drained.
  private func pause(_ duration: Duration) {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end, !connection.isDrained {
      expireWaiting()
      _ = connection.wakeup.wait(on: -1, forReading: false, forWriting: false, timeout: milliseconds(end - .now))
    }
  }

  /// Fails requests that have waited too long; takes none.
  private func expireWaiting() {
    var none: [Request] = []
    connection.take(upTo: 0, into: &none)
  }

  private func milliseconds(_ duration: Duration) -> Int32 {
    Int32(clamping: Int((min(max(duration, .zero), Self.tick) / .milliseconds(1)).rounded(.up)))
  }
}

// MARK: - Connecting

extension ConnectionLoop {
  /// Why serving ended.
  private enum Interruption: Error {
    /// The connection was closed by its owner.
    case closed
    /// The connection was lost.
    case lost(PostgresError)
    /// The connection could not be made.
    case unreachable(PostgresError)
  }

  private func connect() throws(Interruption) -> LibPQConnection {
    do {
      let deadline = ContinuousClock.now + connection.configuration.connectTimeout
      let libpq = try LibPQConnection(ConnectionParameters(connection.configuration))
      var progress = LibPQConnection.ConnectProgress.writing
      while progress != .ready {
        if connection.isDrained { throw Interruption.closed }
        guard ContinuousClock.now < deadline else {
          throw PostgresError.connection("no connection within \(connection.configuration.connectTimeout)")
        }
        let readiness = connection.wakeup.wait(
          on: libpq.socket, forReading: progress == .reading, forWriting: progress == .writing, timeout: milliseconds(deadline - .now))
        if readiness.isReadable || readiness.isWritable { progress = libpq.connectProgress() }
        if progress == .failed { throw libpq.failure }
        expireWaiting()
      }
      try libpq.enterPipeline()
      return libpq
    } catch let error as PostgresError {
      throw .unreachable(error)
    } catch {
      throw .closed
    }
  }
}

// MARK: - Serving

extension ConnectionLoop {
  private func serve(_ libpq: LibPQConnection) throws(Interruption) {
    let connection = connection
    var renewal = connection.configuration.planning == .onceByIndex ? PlanRenewal(from: .now) : nil
    var pipeline = Pipeline(on: libpq, of: connection)
    do {
      while true {
        if connection.load > 0, renewal?.isDue(at: .now) == true {
          connection.enqueue(Request(.commands([Request.Command(PlanRenewal.statement)])))
        }
        try sendWaiting(libpq, &pipeline)
        let isFlushed = try libpq.flush()
        if try isFinished(libpq, &pipeline) { throw Interruption.closed }
        try exchange(libpq, &pipeline, isFlushed: isFlushed)
      }
    } catch let error as PostgresError {
      pipeline.fail(all: error)
      throw .lost(error)
    } catch {
      throw .closed
    }
  }

  /// Sends waiting requests until none is left or the pipeline is full.
  private func sendWaiting(_ libpq: LibPQConnection, _ pipeline: inout Pipeline) throws {
    var taken: [Request] = []
    repeat {
      taken.removeAll(keepingCapacity: true)
      connection.take(upTo: connection.configuration.pipelineDepth - pipeline.count, into: &taken)
      if !taken.isEmpty { connection.metrics.sent(taken) }
      for (index, request) in taken.enumerated() {
        do {
          try send(request, libpq, &pipeline)
        } catch {
          // The connection is lost; these were taken from the queue but never sent.
          for unsent in taken[(index + 1)...] { connection.answer(unsent, .failure(error)) }
          throw error
        }
      }
      // If the socket's buffer is full, wait for the server.
      if try !libpq.flush() { break }
    } while !taken.isEmpty
  }

  private func send(_ request: Request, _ libpq: LibPQConnection, _ pipeline: inout Pipeline) throws {
    switch request.work {
    case .commands(let commands):
      try pipeline.send(commands, of: request)
    case .script(let name, let sql):
      do {
        while !pipeline.isEmpty { try exchange(libpq, &pipeline, isFlushed: libpq.flush()) }
        if let error = try libpq.run(script: sql, named: name) {
          connection.answer(request, .failure(error))
        } else {
          connection.answer(request, .success([]))
        }
      } catch {
        connection.answer(request, .failure(error))
        throw error
      }
    }
  }

  /// Whether the connection is to be closed and every request is answered.
  private func isFinished(_ libpq: LibPQConnection, _ pipeline: inout Pipeline) throws -> Bool {
    switch connection.phase {
    case .open: return false
    case .draining: return pipeline.isEmpty && connection.isDrained
    case .closed(let error):
      if !pipeline.isEmpty {
        // Nobody waits for the answers any more, so the server can stop.
        if connection.purpose == .exclusive { libpq.cancelRunning() }
        pipeline.fail(all: error)
      }
      return true
    }
  }

  /// Waits for the server or for new requests, and reads the server's answers.
  private func exchange(_ libpq: LibPQConnection, _ pipeline: inout Pipeline, isFlushed: Bool) throws {
    let isWaiting = !pipeline.isEmpty || connection.load > 0
    let readiness = connection.wakeup.wait(
      on: libpq.socket, forReading: true, forWriting: !isFlushed, timeout: isWaiting ? milliseconds(Self.tick) : -1)
    if readiness.isReadable { try pipeline.receive() }
    try checkForSilence(pipeline)
  }

  /// Treats a server that does not enforce the statement timeout as lost.
  private func checkForSilence(_ pipeline: borrowing Pipeline) throws(PostgresError) {
    let limit = connection.configuration.statementTimeout
    guard !pipeline.isEmpty, pipeline.hasTimeLimit, limit > .zero else { return }
    let silence = ContinuousClock.now - pipeline.lastReceived
    if silence > limit + Self.grace { throw .connection("the server has not answered for \(silence)") }
  }
}

/// Exponential backoff between attempts to connect: none before the first retry, then growing delays with jitter, so that replicas do not
/// reconnect at the same instant.
struct Backoff: Sendable {
  /// The delay after the second failure.
  var first: Duration = .milliseconds(50)
  /// The upper bound of the delay.
  var longest: Duration = .seconds(2)
  private(set) var failures = 0

  mutating func reset() { failures = 0 }

  /// The delay before the next attempt. `fraction` in 0…1 is the jitter.
  mutating func next(fraction: Double = .random(in: 0...1)) -> Duration {
    defer { failures += 1 }
    guard failures > 0 else { return .zero }
    let full = min(first * (1 << min(failures - 1, 16)), longest)
    return full / 2 + full * (fraction / 2)
  }
}
