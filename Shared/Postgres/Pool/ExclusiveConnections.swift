import DequeModule
import Logging
import Synchronization

/// The connections that one borrower at a time has to itself: made when needed, kept, and never more than configured.
final class ExclusiveConnections: Sendable {
  private struct State {
    var idle: [Connection] = []
    var borrowed: [ObjectIdentifier: Connection] = [:]
    /// Places given out for connections that are just being made.
    var promised = 0
    var waiting: Deque<Promise<Connection>> = []
    var isClosed = false
    var closeWaiters: [CheckedContinuation<Void, Never>] = []

    var count: Int { idle.count + borrowed.count + promised }
  }

  private enum Turn {
    case ready(Connection)
    case make
    case wait(Promise<Connection>)
    case refused(PostgresError)
  }

  private let configuration: PostgresConfiguration
  private let metrics: PoolMetrics
  private let logger: Logger
  private let state = Mutex(State())

  init(_ configuration: PostgresConfiguration, metrics: PoolMetrics, logger: Logger) {
    self.configuration = configuration
    self.metrics = metrics
    self.logger = logger
  }

  /// Waits for a connection; give it back with ``giveBack(_:)``.
  ///
  /// - Throws: A transient `PostgresError` where none comes free in time or too many wait already; `CancellationError`.
  nonisolated(nonsending) func borrow() async throws -> Connection {
    let began = ContinuousClock.now
    defer { metrics.borrowed(after: ContinuousClock.now - began) }
    switch state.withLock({ nextTurn(&$0) }) {
    case .ready(let connection): return connection
    case .make: return try make()
    case .refused(let error): throw error
    case .wait(let promise):
      let limit = configuration.maximumWait
      let count = configuration.exclusiveConnections
      return try await promise.value(
        within: limit, otherwise: PostgresError.connection("none of the \(count) exclusive connections came free within \(limit)"))
    }
  }

  private func nextTurn(_ state: inout State) -> Turn {
    guard !state.isClosed else { return .refused(.connection("the pool is closed")) }
    while let connection = state.idle.popLast() {
      // One that was lost while it lay idle is forgotten here.
      guard connection.isOpen else { continue }
      state.borrowed[ObjectIdentifier(connection)] = connection
      return .ready(connection)
    }
    if state.count < configuration.exclusiveConnections {
      state.promised += 1
      return .make
    }
    guard state.waiting.count < configuration.maximumWaiting else {
      return .refused(.connection("\(configuration.maximumWaiting) tasks wait for an exclusive connection already"))
    }
    let promise = Promise<Connection>()
    state.waiting.append(promise)
    return .wait(promise)
  }

  private func make() throws -> Connection {
    do {
      let connection = try Connection(.exclusive, configuration, metrics: metrics, logger: logger)
      state.withLock { state in
        state.promised -= 1
        state.borrowed[ObjectIdentifier(connection)] = connection
      }
      return connection
    } catch {
      state.withLock { $0.promised -= 1 }
      throw PostgresError.connection("no more file descriptors for a connection: \(error)")
    }
  }

  /// Takes a connection back: the longest waiting task gets it, or a new one in its place where it is not to be used any more.
  func giveBack(_ connection: Connection) {
    let closeWaiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.borrowed[ObjectIdentifier(connection)] = nil
      if state.isClosed {
        connection.drain()
        return takeCloseWaiters(&state)
      }
      handOn(connection, &state)
      return []
    }
    for waiter in closeWaiters { waiter.resume() }
  }

  private func handOn(_ connection: Connection, _ state: inout State) {
    var free: Connection? = connection.isOpen ? connection : nil
    while let waiter = state.waiting.popFirst() {
      do {
        let next = try free ?? Connection(.exclusive, configuration, metrics: metrics, logger: logger)
        state.borrowed[ObjectIdentifier(next)] = next
        if waiter.finish(.success(next)) { return }
        // The task does not wait any more.
        state.borrowed[ObjectIdentifier(next)] = nil
        free = next
      } catch {
        waiter.finish(.failure(PostgresError.connection("no more file descriptors for a connection: \(error)")))
      }
    }
    if let free { state.idle.append(free) }
  }

  /// Refuses new borrowers, waits until every connection is given back, and closes them.
  func close() async {
    let (waiting, idle) = state.withLock { state in
      state.isClosed = true
      defer {
        state.waiting = []
        state.idle = []
      }
      return (state.waiting, state.idle)
    }
    for waiter in waiting { waiter.finish(.failure(PostgresError.connection("the pool is closed"))) }
    for connection in idle { connection.drain() }
    await withCheckedContinuation { continuation in
      let waiters = state.withLock { state in
        state.closeWaiters.append(continuation)
        return takeCloseWaiters(&state)
      }
      for waiter in waiters { waiter.resume() }
    }
    for connection in idle { await connection.ended() }
  }

  private func takeCloseWaiters(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
    guard state.borrowed.isEmpty, state.promised == 0 else { return [] }
    defer { state.closeWaiters = [] }
    return state.closeWaiters
  }

  /// Closes all connections at once; what is under way on them fails with `error`.
  func closeNow(_ error: PostgresError) {
    let (waiting, connections) = state.withLock { state in
      state.isClosed = true
      defer {
        state.waiting = []
        state.idle = []
      }
      return (state.waiting, state.idle + state.borrowed.values)
    }
    for waiter in waiting { waiter.finish(.failure(error)) }
    for connection in connections { connection.close(error) }
  }
}
