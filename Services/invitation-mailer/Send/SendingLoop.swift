import Foundation
import Logging
import Postgres
import ServiceLifecycle

/// Sends the invitations that are due, as the only one of the replicas that does.
///
/// Who holds an advisory lock sends. The lock belongs to a database session: it comes free when its holder ends, however it ends, so that
/// another replica, or the same one started again, goes on at once.
final class SendingLoop: Service {
  private let pool: PostgresPool
  private let desk: SendingDesk
  private let connections: [SMTPConnection]
  /// How often it looks for what has become due without its being told.
  private let interval: Duration
  private let logger: Logger
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation

  init(
    pool: PostgresPool, desk: SendingDesk, connections: [SMTPConnection], interval: Duration = .seconds(1), logger: Logger
  ) {
    self.pool = pool
    self.desk = desk
    self.connections = connections
    self.interval = interval
    self.logger = logger
    (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Says that an invitation may have become due.
  func wake() { signal.yield() }

  /// Sends until shutdown; a mail that is under way is sent to its end, and recorded.
  func run() async throws {
    try await withTaskCancellationOrGracefulShutdownHandler {
      try await withThrowingTaskGroup { group in
        group.addTask { await self.tick() }
        try await self.takeTurns()
        group.cancelAll()
      }
    } onCancelOrGracefulShutdown: {
      self.signal.finish()
    }
    for connection in connections { await connection.hangUp() }
  }

  private func tick() async {
    while !Task.isCancelled {
      signal.yield()
      do { try await Task.sleep(for: interval) } catch { return }
    }
  }

  /// Tries at every signal to become the one that sends, and sends for as long as it is.
  private func takeTurns() async throws {
    for await _ in signals {
      do {
        try await pool.withExclusiveConnection { session in
          guard try await session.query(Self.lead).first?.bool(0) == true else { return }
          logger.info("this replica sends the invitations now")
          try await sendDue(session)
          for await _ in signals { try await sendDue(session) }
        }
      } catch let error as PostgresError where error.isTransient || !error.sqlState.isEmpty {
        logger.warning("sending stops until the database is there again", metadata: ["error": "\(error)"])
      } catch is CancellationError {
        return
      }
    }
  }

  private static let lead = Statement("lead the sending", "select pg_try_advisory_lock(\(0x726f_6c6c_0101))")

  /// Sends all that is due, as many at a time as there are connections. Each is read again right before its turn, so that nobody is
  /// mailed who was disabled or deleted meanwhile; and over the session that has the lock, so that who lost it notices.
  private nonisolated(nonsending) func sendDue(_ session: PostgresSession) async throws {
    var pause = Self.firstPause
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      let due = try await desk.store.due(atMost: connections.count, at: .now, in: session)
      guard !due.isEmpty else { return }
      let isServerThere = try await send(due, pause: pause)
      if isServerThere {
        pause = Self.firstPause
      } else {
        let pausing = pause
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: pausing) }
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  /// Whether the server was there for all of them.
  private func send(_ due: [DueInvitation], pause: Duration) async throws -> Bool {
    let desk = desk
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      for (invitation, connection) in zip(due, connections) {
        group.addTask { try await desk.send(invitation, over: connection, pause: pause) }
      }
      return try await group.reduce(true) { $0 && $1 }
    }
  }

  /// How long the loop stops while the mail server is away: at first, and at most.
  private static let firstPause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(30)
}
