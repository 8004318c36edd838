import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// A connection pool for one database.
///
/// Single statements share a few pipelined connections, so that concurrent statements share round trips; a transaction, snapshot or session
/// has an exclusive connection. Lost connections are replaced automatically. The pool connects on first use, or when ``run()`` starts.
public final class PostgresPool: Service, Sendable {
  private let configuration: PostgresConfiguration
  private let logger: Logger
  private let poller = SocketPoller()
  private let shared: [Connection]
  private let exclusive: ExclusiveConnections
  private let isStarted = Atomic<Bool>(false)

  /// Makes a pool; it does not connect yet.
  ///
  /// - Parameter metrics: Creates the pool's counters and timers.
  public init(_ configuration: PostgresConfiguration, logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory) {
    self.configuration = configuration
    self.logger = logger
    let metrics = PoolMetrics(factory: metrics)
    let poller = poller
    shared = (0..<configuration.connections).map { _ in
      Connection(.shared, configuration, poller: poller, metrics: metrics, logger: logger)
    }
    exclusive = ExclusiveConnections(configuration, poller: poller, metrics: metrics, logger: logger)
  }

  deinit {
    closeNow(.connection("the pool was deallocated"))
    poller.stop()
  }

  /// Runs `statement` in its own transaction and returns its rows.
  ///
  /// Concurrent statements share a pipeline; an error in one does not affect the others. While the server is unreachable, a statement waits
  /// for up to ``PostgresConfiguration/maximumWait``.
  ///
  /// - Parameter setting: A setting for this statement only, sent in the same round trip.
  /// - Throws: `PostgresError`; `CancellationError` as soon as the task is cancelled, although the statement may have been executed.
  public nonisolated(nonsending) func query(
    _ statement: Statement, _ parameters: [PostgresValue] = [], under setting: LocalSetting? = nil
  ) async throws -> Rows {
    var commands: [Request.Command] = []
    if let (statement, parameters) = setting?.step { commands.append(try Request.Command(statement, parameters)) }
    commands.append(try Request.Command(statement, parameters))
    // Without a begin, all commands before a sync are one transaction.
    let request = Request(.commands(commands), isRepeatable: true)
    try leastLoaded(for: statement).enqueue(request)
    return try await request.outcome.value().last(of: statement)
  }

  /// Runs `body` in a transaction on an exclusive connection: commits when it returns, rolls back when it throws.
  ///
  /// - Throws: What `body` throws; the error of a statement that failed, even if `body` caught it; `PostgresError` of the commit, with
  ///   ``PostgresError/isOutcomeUnknown`` if the connection was lost during the commit; a transient `PostgresError` if no connection becomes
  ///   free in time.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    let connection = try await exclusive.borrow()
    defer { exclusive.giveBack(connection) }
    return try await connection.transaction(body)
  }

  /// A read-only transaction in which every statement sees the same state of the database. It holds an exclusive connection until its last
  /// reference goes away.
  ///
  /// - Parameter setting: A setting for the whole transaction.
  /// - Throws: `PostgresError` if no connection becomes free in time.
  public nonisolated(nonsending) func snapshot(under setting: LocalSetting? = nil) async throws -> PostgresSnapshot {
    PostgresSnapshot(on: try await exclusive.borrow(), of: exclusive, under: setting)
  }

  /// Runs `body` with an exclusive connection, and closes the connection afterwards: the server releases its locks and forgets its settings.
  ///
  /// - Throws: What `body` throws; `PostgresError` if no connection becomes free in time.
  public nonisolated(nonsending) func withExclusiveConnection<Value>(
    _ body: nonisolated(nonsending) (PostgresSession) async throws -> Value
  ) async throws -> Value {
    let connection = try await exclusive.borrow()
    defer {
      connection.drain()
      exclusive.giveBack(connection)
    }
    return try await body(PostgresSession(connection: connection))
  }

  /// Checks that the server answers within two seconds.
  ///
  /// - Throws: `PostgresError` with the reason if it does not.
  public nonisolated(nonsending) func check() async throws {
    let limit: Duration = .seconds(2)
    let connection = try leastLoaded(for: Self.check)
    if !connection.isConnected, let failure = connection.failure { throw failure }
    let request = Request(.commands([Request.Command(Self.check)]), isRepeatable: true)
    connection.enqueue(request)
    _ = try await request.outcome.value(
      within: limit, otherwise: connection.failure ?? PostgresError.connection("the server has not answered within \(limit)"))
  }

  // Not prepared, so that it also succeeds behind a pooler in transaction mode, which `checkSessions()` then reports.
  private static let check = Statement(once: "check", "select 1")

  /// Waits until the server answers, and logs the reason while it does not.
  ///
  /// - Throws: `CancellationError`; `PostgresError` if waiting does not help because the URL is invalid.
  public nonisolated(nonsending) func waitUntilReachable() async throws {
    var backoff = Backoff(first: .milliseconds(100))
    while true {
      do {
        return try await check()
      } catch let error as PostgresError where error.isTransient {
        logger.warning("Waiting for PostgreSQL", metadata: ["error": "\(error)"])
        try await Task.sleep(for: backoff.next())
      }
    }
  }

  /// Keeps the connections open until graceful shutdown, then lets work in flight finish and closes them.
  public func run() async throws {
    startOnce()
    await withTaskCancellationHandler {
      do {
        try await gracefulShutdown()
      } catch {
        // Cancelled: the handler below closes everything at once.
        logger.debug("The PostgreSQL pool is closed without waiting", metadata: ["reason": "\(error)"])
      }
      await close()
    } onCancel: {
      closeNow(.connection("the pool is closed"))
    }
  }

  /// Rejects new transactions, waits for open transactions and queued statements, and closes the connections.
  public func close() async {
    await exclusive.close()
    for connection in shared { connection.drain() }
    for connection in shared { await connection.ended() }
    poller.stop()
  }

  private func closeNow(_ error: PostgresError) {
    exclusive.closeNow(error)
    for connection in shared { connection.close(error) }
  }

  /// The shared connection with the fewest unanswered requests; the first of several, since its plans and caches are warm.
  ///
  /// - Throws: A transient `PostgresError` if ``PostgresConfiguration/maximumWaiting`` statements are waiting.
  private func leastLoaded(for statement: Statement) throws(PostgresError) -> Connection {
    startOnce()
    var best = shared[0]
    var lowest = Int.max
    var total = 0
    for connection in shared {
      let load = connection.load
      total += load
      // A connection that is down is chosen only if all are.
      let weight = connection.isConnected ? load : load + configuration.maximumWaiting
      if weight < lowest {
        best = connection
        lowest = weight
      }
    }
    guard total < configuration.maximumWaiting else {
      throw .connection("\(total) statements already wait for PostgreSQL").named(statement.name)
    }
    return best
  }

  private func startOnce() {
    guard !isStarted.load(ordering: .relaxed), !isStarted.exchange(true, ordering: .relaxed) else { return }
    for connection in shared { connection.start() }
  }
}
