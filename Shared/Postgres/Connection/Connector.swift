import Foundation
import Logging

/// Makes a connection, with backoff between attempts. It runs on a thread of its own, since libpq blocks during DNS lookups; the thread ends
/// when the connection is made.
struct Connector {
  private let connection: Connection
  private var backoff = Backoff()

  /// How often it checks whether the connection is still needed, and whether requests have waited too long.
  private static let tick = Duration.milliseconds(50)

  init(for connection: Connection) {
    self.connection = connection
  }

  /// Runs until the connection is made, or closed for good.
  consuming func run() {
    while !connection.isDrained {
      do throws(PostgresError) {
        guard let libpq = try connect() else { break }
        return try connection.install(libpq)
      } catch {
        connection.logger.debug("PostgreSQL cannot be reached", metadata: ["error": "\(error)"])
        connection.metrics.connectFailed()
        connection.connectionChanged(isConnected: false, failure: error)
        if error.isPermanent { break }
        pause(backoff.next())
      }
    }
    connection.end()
  }

  /// Makes one attempt; nil if the connection was closed meanwhile.
  private func connect() throws(PostgresError) -> LibPQConnection? {
    let limit = connection.configuration.connectTimeout
    let deadline = ContinuousClock.now + limit
    let libpq = try LibPQConnection(ConnectionParameters(connection.configuration))
    var progress = LibPQConnection.ConnectProgress.writing
    while progress != .ready {
      if connection.isDrained { return nil }
      guard ContinuousClock.now < deadline else { throw .connection("no connection within \(limit)") }
      var descriptor = pollfd(fd: libpq.socket, events: Int16(progress == .reading ? POLLIN : POLLOUT), revents: 0)
      if poll(&descriptor, 1, Int32(Self.tick / .milliseconds(1))) > 0 { progress = libpq.connectProgress() }
      if progress == .failed { throw libpq.failure }
      expireWaiting()
    }
    guard try setUp(libpq, until: deadline) else { return nil }
    try libpq.enterPipeline()
    return libpq
  }

  /// Sets the session's settings.
  ///
  /// - Returns: Whether the connection is still needed.
  private func setUp(_ libpq: LibPQConnection, until deadline: ContinuousClock.Instant) throws(PostgresError) -> Bool {
    let name = "set up the session"
    try libpq.start(script: ConnectionParameters.sessionScript(connection.configuration))
    while true {
      guard try awaitResult(of: libpq, until: deadline) else { return false }
      guard let result = libpq.nextResult(of: name) else { return true }
      if result.status != .done { throw .connection("\(name): \(result.error())") }
    }
  }

  /// Waits until the next result has arrived, so that reading it does not block.
  ///
  /// - Returns: Whether the connection is still needed.
  private func awaitResult(of libpq: LibPQConnection, until deadline: ContinuousClock.Instant) throws(PostgresError) -> Bool {
    while libpq.isBusy {
      if connection.isDrained { return false }
      guard ContinuousClock.now < deadline else { throw .connection("no answer within \(connection.configuration.connectTimeout)") }
      var descriptor = pollfd(fd: libpq.socket, events: Int16(POLLIN), revents: 0)
      if poll(&descriptor, 1, Int32(Self.tick / .milliseconds(1))) > 0, !libpq.receive() { throw libpq.failure }
      expireWaiting()
    }
    return true
  }

  /// Waits, but returns early if the connection is closed.
  private func pause(_ duration: Duration) {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end, !connection.isDrained {
      expireWaiting()
      usleep(UInt32(max(min(end - .now, Self.tick), .zero) / .microseconds(1)))
    }
  }

  /// Fails requests that have waited too long; takes none.
  private func expireWaiting() {
    var none: [Request] = []
    connection.take(upTo: 0, isIdle: true, into: &none)
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

  /// The delay before the next attempt. `fraction` in 0…1 is the jitter.
  mutating func next(fraction: Double = .random(in: 0...1)) -> Duration {
    defer { failures += 1 }
    guard failures > 0 else { return .zero }
    let full = min(first * (1 << min(failures - 1, 16)), longest)
    return full / 2 + full * (fraction / 2)
  }
}
