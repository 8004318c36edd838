import DequeModule
import Logging
import Synchronization

/// A bounded pool of connections that are lent to one borrower at a time. Connections are made on demand and kept.
final class ExclusiveConnections: Sendable {
  private struct State {
    var idle: [Connection] = []
    var borrowed: [ObjectIdentifier: Connection] = [:]
    var waiting: Deque<Promise<Connection>> = []
    var isClosed = false
    var closeWaiters: [CheckedContinuation<Void, Never>] = []

    var count: Int { idle.count + borrowed.count }
  }

  /// How a borrower gets its connection.
  private enum Source {
    case connection(Connection)
    case waiting(Promise<Connection>)
    case rejected(PostgresError)
  }

  private let configuration: PostgresConfiguration
  private let poller: SocketPoller
  private let metrics: PoolMetrics
  private let logger: Logger
  private let state = Mutex(State())

  init(_ configuration: PostgresConfiguration, poller: SocketPoller, metrics: PoolMetrics, logger: Logger) {
    self.configuration = configuration
    self.poller = poller
    self.metrics = metrics
    self.logger = logger
  }

  /// Waits for a connection; return it with ``giveBack(_:)``.
  ///
  /// - Throws: A transient `PostgresError` if no connection becomes free in time or too many tasks are waiting; `CancellationError`.
  nonisolated(nonsending) func borrow() async throws -> Connection {
    let began = ContinuousClock.now
    defer { metrics.borrowed(after: ContinuousClock.now - began) }
    switch state.withLock({ source(&$0) }) {
    case .connection(let connection): return connection
    case .rejected(let error): throw error
    case .waiting(let promise):
      let limit = configuration.maximumWait
      let count = configuration.exclusiveConnections
      return try await promise.value(
        within: limit, otherwise: PostgresError.connection("none of the \(count) exclusive connections became free within \(limit)"))
    }
  }

  private func source(_ state: inout State) -> Source {
    guard !state.isClosed else { return .rejected(.connection("the pool is closed")) }
    while let connection = state.idle.popLast() {
      // It may have been lost while it was idle.
      guard connection.isOpen else { continue }
      state.borrowed[ObjectIdentifier(connection)] = connection
      return .connection(connection)
    }
    if state.count < configuration.exclusiveConnections {
      let connection = makeConnection()
      state.borrowed[ObjectIdentifier(connection)] = connection
      return .connection(connection)
    }
    guard state.waiting.count < configuration.maximumWaiting else {
      return .rejected(.connection("\(configuration.maximumWaiting) tasks already wait for an exclusive connection"))
    }
    let promise = Promise<Connection>()
    state.waiting.append(promise)
    return .waiting(promise)
  }

  private func makeConnection() -> Connection {
    Connection(.exclusive, configuration, poller: poller, metrics: metrics, logger: logger)
  }

  /// Takes a connection back and lends it to the task that waits longest. A closed connection is replaced.
  func giveBack(_ connection: Connection) {
    let closeWaiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.borrowed[ObjectIdentifier(connection)] = nil
      if state.isClosed {
        connection.drain()
        return takeCloseWaiters(&state)
      }
      lend(connection, &state)
      return []
    }
    for waiter in closeWaiters { waiter.resume() }
  }

  private func lend(_ connection: Connection, _ state: inout State) {
    var free: Connection? = connection.isOpen ? connection : nil
    while let waiter = state.waiting.popFirst() {
      let next = free ?? makeConnection()
      state.borrowed[ObjectIdentifier(next)] = next
      if waiter.finish(.success(next)) { return }
      // The task was cancelled, or has timed out.
      state.borrowed[ObjectIdentifier(next)] = nil
      free = next
    }
    if let free { state.idle.append(free) }
  }

  /// Rejects new borrowers, waits until every connection is returned, and closes all connections.
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
    guard state.borrowed.isEmpty else { return [] }
    defer { state.closeWaiters = [] }
    return state.closeWaiters
  }

  /// Closes all connections at once; their requests in flight fail with `error`.
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
