import Foundation
import Logging

/// The life of a connection's thread: connect, serve until the connection is lost, wait a little, connect again.
struct ConnectionLoop {
  private let connection: Connection
  private var backoff = Backoff()

  /// How often a thread that waits for the server looks whether something has waited for too long.
  private static let tick: Duration = .milliseconds(250)
  /// What a server may be late after the statement timeout, which it keeps itself, before it counts as lost.
  private static let grace: Duration = .seconds(5)

  init(for connection: Connection) {
    self.connection = connection
  }

  /// Returns when the connection is closed for good.
  consuming func run() {
    defer { connection.threadEnded() }
    while !connection.isDrained {
      do {
        let link = try connect()
        backoff.reset()
        connection.connectionChanged(isConnected: true)
        try serve(link)
      } catch {
        guard goOn(after: error) else { break }
      }
    }
    let failure = connection.failure
    connection.connectionChanged(isConnected: false, failure: failure)
    connection.close(failure ?? .connection("the connection is closed"))
  }

  /// - Returns: Whether to connect again.
  private mutating func goOn(after error: Interruption) -> Bool {
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

  /// Waits, but not where there is nothing more to do.
  private func pause(_ duration: Duration) {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end, !connection.isDrained {
      expireWaiting()
      _ = connection.wakeUp.wait(on: -1, forReading: false, forWriting: false, timeout: milliseconds(end - .now))
    }
  }

  /// Answers requests that have waited too long; takes none.
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
    /// The connection is to be closed.
    case closed
    /// It ended without that.
    case lost(PostgresError)
    /// It could not be made.
    case unreachable(PostgresError)
  }

  private func connect() throws(Interruption) -> Link {
    do {
      let deadline = ContinuousClock.now + connection.configuration.connectTimeout
      let link = try Link(ConnectionParameters(connection.configuration))
      var progress = Link.ConnectProgress.writing
      while progress != .ready {
        if connection.isDrained { throw Interruption.closed }
        guard ContinuousClock.now < deadline else {
          throw PostgresError.connection("no connection within \(connection.configuration.connectTimeout)")
        }
        let readiness = connection.wakeUp.wait(
          on: link.socket, forReading: progress == .reading, forWriting: progress == .writing, timeout: milliseconds(deadline - .now))
        if readiness.isReadable || readiness.isWritable { progress = link.connectProgress() }
        if progress == .failed { throw link.failure }
        expireWaiting()
      }
      try link.enterPipeline()
      return link
    } catch let error as PostgresError {
      throw .unreachable(error)
    } catch {
      throw .closed
    }
  }
}

// MARK: - Serving

extension ConnectionLoop {
  private func serve(_ link: Link) throws(Interruption) {
    let connection = connection
    var renewal = connection.configuration.planning == .onceByIndex ? PlanRenewal(from: .now) : nil
    var pipeline = Pipeline(on: link) { connection.answer($0, $1) }
    do {
      while true {
        if connection.load > 0, renewal?.isDue(at: .now) == true {
          connection.enqueue(Request(.commands([Request.Command(statement: PlanRenewal.statement, parameters: .none)])))
        }
        try sendWaiting(link, &pipeline)
        let isFlushed = try link.flush()
        if try isFinished(link, &pipeline) { throw Interruption.closed }
        try exchange(link, &pipeline, isFlushed: isFlushed)
      }
    } catch let error as PostgresError {
      pipeline.fail(all: error)
      throw .lost(error)
    } catch {
      throw .closed
    }
  }

  /// Sends what waits until nothing does, or the pipeline is full.
  private func sendWaiting(_ link: Link, _ pipeline: inout Pipeline) throws {
    var taken: [Request] = []
    repeat {
      taken.removeAll(keepingCapacity: true)
      connection.take(upTo: connection.configuration.pipelineDepth - pipeline.count, into: &taken)
      if !taken.isEmpty { connection.metrics.sent(taken) }
      for (index, request) in taken.enumerated() {
        do {
          try send(request, link, &pipeline)
        } catch {
          // The link is lost; these were taken but never sent.
          for unsent in taken[(index + 1)...] { connection.answer(unsent, .failure(error)) }
          throw error
        }
      }
      // What does not fit into the socket's buffer is a sign to wait for the server.
      if try !link.flush() { break }
    } while !taken.isEmpty
  }

  private func send(_ request: Request, _ link: Link, _ pipeline: inout Pipeline) throws {
    switch request.work {
    case .commands(let commands):
      try pipeline.send(commands, of: request)
    case .script(let name, let sql):
      do {
        while !pipeline.isEmpty { try exchange(link, &pipeline, isFlushed: link.flush()) }
        if let error = try link.run(script: sql, named: name) {
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

  /// Whether the connection is to be closed, and all that was to be answered is.
  private func isFinished(_ link: Link, _ pipeline: inout Pipeline) throws -> Bool {
    switch connection.phase {
    case .open: return false
    case .draining: return pipeline.isEmpty && connection.isDrained
    case .closed(let error):
      if !pipeline.isEmpty {
        // Nobody waits for the answers any more, so the server need not go on.
        if connection.purpose == .exclusive { link.cancelRunning() }
        pipeline.fail(all: error)
      }
      return true
    }
  }

  /// Waits for the server or for new requests, and reads what the server sent.
  private func exchange(_ link: Link, _ pipeline: inout Pipeline, isFlushed: Bool) throws {
    let isWaiting = !pipeline.isEmpty || connection.load > 0
    let readiness = connection.wakeUp.wait(
      on: link.socket, forReading: true, forWriting: !isFlushed, timeout: isWaiting ? milliseconds(Self.tick) : -1)
    if readiness.isReadable { try pipeline.receive() }
    try checkForSilence(pipeline)
  }

  /// The server keeps the statement timeout itself; one that does not even do that is stuck or gone.
  private func checkForSilence(_ pipeline: borrowing Pipeline) throws(PostgresError) {
    let limit = connection.configuration.statementTimeout
    guard !pipeline.isEmpty, pipeline.hasTimeLimit, limit > .zero else { return }
    let silence = ContinuousClock.now - pipeline.lastHeard
    if silence > limit + Self.grace { throw .connection("the server has not answered for \(silence)") }
  }
}
