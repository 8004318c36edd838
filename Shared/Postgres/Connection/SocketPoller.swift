import Foundation
import Synchronization

/// The thread that waits for the sockets of a pool's connections: it reads the server's answers, and checks for timeouts.
///
/// It starts with the first connection, and ends after ``stop()`` when the last connection is closed.
final class SocketPoller: Sendable {
  private struct Watched {
    let connection: Connection
    let socket: Int32
    var forWriting = false
  }

  private struct State {
    var sockets: [ObjectIdentifier: Watched] = [:]
    /// Whether `sockets` has changed since the thread copied it.
    var hasChanged = false
    var wakeup: WakeupPipe?
    var isStopped = false
  }

  private let state = Mutex(State())

  /// How often timeouts are checked.
  private static let interval = Duration.seconds(2)

  /// Waits for the socket of `connection` from now on.
  ///
  /// - Throws: `PostgresError` if the process has no more file descriptors.
  func add(_ connection: Connection, socket: Int32) throws(PostgresError) {
    try change { state throws(PostgresError) in
      if state.wakeup == nil {
        let wakeup: WakeupPipe
        do { wakeup = try WakeupPipe() } catch { throw .connection("no more file descriptors for a connection: \(error)") }
        state.wakeup = wakeup
        let thread = Thread { self.run(wakeup) }
        thread.name = "postgres"
        thread.start()
      }
      state.sockets[ObjectIdentifier(connection)] = Watched(connection: connection, socket: socket)
    }
  }

  /// Sets whether to wait until the socket accepts more data, too.
  func setWriting(_ connection: Connection, _ forWriting: Bool) {
    change { $0.sockets[ObjectIdentifier(connection)]?.forWriting = forWriting }
  }

  /// Ends the wait for `connection`. Call it before the socket is closed.
  func remove(_ connection: Connection) {
    change { $0.sockets[ObjectIdentifier(connection)] = nil }
  }

  /// Ends the thread as soon as no connection is left.
  func stop() {
    change { $0.isStopped = true }
  }

  private func change<Failure>(_ body: (inout State) throws(Failure) -> Void) throws(Failure) {
    try state.withLock { state throws(Failure) in
      try body(&state)
      state.hasChanged = true
      state.wakeup?.signal()
    }
  }

  private func run(_ wakeup: WakeupPipe) {
    var watched: [Watched] = []
    var descriptors: [pollfd] = []
    var nextCheck = ContinuousClock.now + Self.interval
    while true {
      if let changed = takeChanges() {
        watched = changed
        if watched.isEmpty, state.withLock({ $0.isStopped }) { return }
        descriptors = [pollfd(fd: wakeup.readEnd, events: Int16(POLLIN), revents: 0)]
        descriptors += watched.map {
          pollfd(fd: $0.socket, events: Int16($0.forWriting ? POLLIN | POLLOUT : POLLIN), revents: 0)
        }
      }
      // A stale result is harmless: reading from a socket without data does nothing.
      if poll(&descriptors, nfds_t(descriptors.count), Int32(Self.interval / .milliseconds(1))) > 0 {
        if descriptors[0].revents != 0 { wakeup.drain() }
        for index in watched.indices where descriptors[index + 1].revents != 0 { watched[index].connection.socketIsReady() }
      }
      if ContinuousClock.now >= nextCheck {
        for entry in watched { entry.connection.checkTimeouts() }
        nextCheck = .now + Self.interval
      }
    }
  }

  /// The watched sockets; nil if they are the same as before.
  private func takeChanges() -> [Watched]? {
    state.withLock { state in
      guard state.hasChanged else { return nil }
      state.hasChanged = false
      return Array(state.sockets.values)
    }
  }
}
