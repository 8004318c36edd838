import Logging
import Metrics
import ServiceLifecycle
import Synchronization

/// The connections of one process to one database.
///
/// Statements of many tasks share a few pipelined connections, so that concurrent statements share round trips; transactions and sessions
/// borrow a connection of their own. Lost connections come back by themselves. The pool connects when first used, or when ``run()``.
public final class PostgresPool: Service, Sendable {
  private let configuration: PostgresConfiguration
  private let logger: Logger
  /// An error where the process had no file descriptors for them.
  private let shared: Result<[Connection], PostgresError>
  private let exclusive: ExclusiveConnections
  private let turn = Atomic<Int>(0)
  private let isStarted = Atomic<Bool>(false)

  /// - Parameter metrics: What the pool's counters and timers are made with.
  public init(_ configuration: PostgresConfiguration, logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory) {
    self.configuration = configuration
    self.logger = logger
    let metrics = PoolMetrics(factory: metrics)
    shared = Result {
      try (0..<configuration.connections).map { _ in try Connection(.shared, configuration, metrics: metrics, logger: logger) }
    }.mapError { .configuration("no more file descriptors for connections: \($0)") }
    exclusive = ExclusiveConnections(configuration, metrics: metrics, logger: logger)
  }

  deinit { closeNow(.connection("the pool is gone")) }

  /// Runs `statement` in a transaction of its own and returns its rows.
  ///
  /// Statements of concurrent calls travel together; an error in one does not reach the others. While the server cannot be reached, a
  /// statement waits for as long as the configuration says.
  ///
  /// - Parameter setting: What holds for this statement alone; it travels with the statement.
  /// - Throws: `PostgresError`; `CancellationError` as soon as the task is cancelled, though the statement may have been carried out.
  public nonisolated(nonsending) func query(
    _ statement: Statement, _ parameters: [PostgresValue] = [], under setting: LocalSetting? = nil
  ) async throws -> Rows {
    var commands: [Request.Command] = []
    if let (statement, parameters) = setting?.step {
      commands.append(Request.Command(statement: statement, parameters: try EncodedParameters(parameters, of: statement)))
    }
    commands.append(Request.Command(statement: statement, parameters: try EncodedParameters(parameters, of: statement)))
    // Without a begin and up to one sync, they are one transaction.
    let request = Request(.commands(commands), isRepeatable: true)
    try leastLoaded(for: statement).enqueue(request)
    guard let rows = try await request.outcome.value().last else {
      throw PostgresError.connection("the server gave no answer").named(statement.name)
    }
    return rows
  }

  /// Runs `body` in a transaction on a connection of its own: committed when it returns, rolled back when it throws.
  ///
  /// - Throws: What `body` throws; the error of a statement that failed, though `body` caught it; `PostgresError` of the commit, where
  ///   ``PostgresError/isOutcomeUnknown`` says that the connection was lost in the middle of it.
  public nonisolated(nonsending) func transaction<Value>(
    _ body: nonisolated(nonsending) (PostgresTransaction) async throws -> Value
  ) async throws -> Value {
    let connection = try await exclusive.borrow()
    defer { exclusive.giveBack(connection) }
    return try await PostgresSession(connection: connection).transaction(body)
  }

  /// A read-only transaction in which all is as it was at one moment, on a connection of its own, for as long as it is held.
  ///
  /// - Parameter setting: What holds as long.
  /// - Throws: `PostgresError` where no connection comes free in time.
  public nonisolated(nonsending) func snapshot(under setting: LocalSetting? = nil) async throws -> PostgresSnapshot {
    PostgresSnapshot(on: try await exclusive.borrow(), of: exclusive, under: setting)
  }

  /// Runs `body` with a connection of its own, whose session ends with it: locks are released, settings forgotten.
  ///
  /// - Throws: What `body` throws; `PostgresError` where no connection comes free in time.
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

  /// Looks whether the server answers, within two seconds.
  ///
  /// - Throws: `PostgresError` that says why not.
  public nonisolated(nonsending) func check() async throws {
    let limit: Duration = .seconds(2)
    let connection = try leastLoaded(for: Self.check)
    if !connection.isConnected, let failure = connection.failure { throw failure }
    let request = Request(.commands([Request.Command(statement: Self.check, parameters: .none)]), isRepeatable: true)
    connection.enqueue(request)
    _ = try await request.outcome.value(
      within: limit, otherwise: connection.failure ?? PostgresError.connection("the server has not answered within \(limit)"))
  }

  private static let check = Statement("check", "select 1")

  /// Waits until the server answers, and logs what it waits for.
  ///
  /// - Throws: `CancellationError`; `PostgresError` where waiting will not help, since the URL cannot be understood.
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

  /// Keeps the connections until graceful shutdown, then lets what is under way finish and closes them.
  public func run() async throws {
    startOnce(try shared.get())
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

  /// Refuses new transactions, waits for those under way and for statements that were queued, and closes the connections.
  public func close() async {
    await exclusive.close()
    guard case .success(let connections) = shared else { return }
    for connection in connections { connection.drain() }
    for connection in connections { await connection.ended() }
  }

  private func closeNow(_ error: PostgresError) {
    exclusive.closeNow(error)
    guard case .success(let connections) = shared else { return }
    for connection in connections { connection.close(error) }
  }

  private func leastLoaded(for statement: Statement) throws(PostgresError) -> Connection {
    let connections = try shared.get()
    startOnce(connections)
    let first = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    var best = connections[0]
    var lowest = Int.max
    var total = 0
    for offset in connections.indices {
      let connection = connections[Int(UInt(bitPattern: first &+ offset) % UInt(connections.count))]
      let load = connection.load
      total += load
      // One without a connection is a last resort.
      let weight = connection.isConnected ? load : load + configuration.maximumWaiting
      if weight < lowest {
        best = connection
        lowest = weight
      }
    }
    guard total < configuration.maximumWaiting else {
      throw .connection("\(total) statements wait for PostgreSQL already").named(statement.name)
    }
    return best
  }

  private func startOnce(_ connections: [Connection]) {
    guard !isStarted.load(ordering: .relaxed), !isStarted.exchange(true, ordering: .relaxed) else { return }
    for connection in connections { connection.start() }
  }
}
