import Foundation
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle

/// Sends due mails; at most one replica does at a time.
///
/// The replica that holds an advisory lock is the leader and sends. The lock belongs to a database session, so it is released when the leader
/// ends for any reason, and another replica takes over.
final class MailScheduler: Service {
  private let pool: PostgresPool
  let sender: MailSender
  let connections: [SMTPConnection]
  let rateLimiter: DomainRateLimiter
  let noticeThrottle: NoticeThrottle
  let notices: NoticeStore
  /// The claimed mails of this replica.
  let queue: MailQueue
  /// Identifies this replica in claims: `invitation-mailer/0`.
  let instance: String
  /// How long another replica's claim is valid, in seconds.
  let claimTimeout: TimeInterval
  /// How long a mail that another replica stored may wait, and the interval at which other replicas request the lock.
  let interval: Duration
  private let logger: Logger
  private let possiblySent = Counter(label: "rollcall_mailer_invitations_in_doubt_total")

  /// - Parameters:
  ///   - queue: The queue that transactions of this process add mails to.
  ///   - rateLimiter: The limit per recipient domain.
  ///   - noticeThrottle: The limit for mails to administrators about held changes.
  ///   - claimTimeout: How long a claim is valid, in seconds; longer than the timeout of the mail server.
  init(
    pool: PostgresPool, sender: MailSender, queue: MailQueue = MailQueue(), connections: [SMTPConnection],
    rateLimiter: DomainRateLimiter = DomainRateLimiter(rate: nil), noticeThrottle: NoticeThrottle = NoticeThrottle(),
    instance: String = "invitation-mailer/0", claimTimeout: TimeInterval = 120, interval: Duration = .seconds(2), logger: Logger
  ) {
    self.pool = pool
    self.sender = sender
    self.queue = queue
    self.connections = connections
    self.rateLimiter = rateLimiter
    self.noticeThrottle = noticeThrottle
    notices = sender.notices
    self.instance = instance
    self.claimTimeout = claimTimeout
    self.interval = interval
    self.logger = logger
  }

  /// Sends until shutdown. Mails in flight are completed and recorded.
  func run() async throws {
    try await withTaskCancellationOrGracefulShutdownHandler {
      while !isEnding {
        do {
          try await pool.withExclusiveConnection { try await lead($0) }
        } catch let error as PostgresError where error.isTransient || !error.sqlState.isEmpty {
          guard !isEnding else { break }
          logger.warning("the database is unavailable; sending is paused", metadata: ["error": "\(error)"])
          do { try await pause() } catch { break }
        } catch is CancellationError {
          break
        }
      }
    } onCancelOrGracefulShutdown: {
      self.queue.finish()
    }
    for connection in connections { await connection.close() }
  }

  /// Waits for the lock, and sends as long as the session has it.
  private nonisolated(nonsending) func lead(_ session: PostgresSession) async throws {
    while try await session.query(Self.acquireLock).first?.bool(0) != true { try await pause() }
    logger.info("this replica is now the leader and sends the invitations")
    try await sender.store.release(queue.takeAbandoned(), at: .now, in: session)
    reportPossiblySent(try await sender.store.releaseClaims(heldBy: instance, at: .now, in: session))
    reportPossiblySent(try await notices.releaseClaims(heldBy: instance, at: .now, in: session))
    try await send(session)
  }

  private static let acquireLock = Statement("acquire the sender lock", "select pg_try_advisory_lock(\(0x726f_6c6c_0101))")

  /// - Throws: `CancellationError` at shutdown.
  private func pause() async throws {
    try await cancelWhenGracefulShutdown { try await Task.sleep(for: self.interval) }
  }

  /// Whether no further mail is started.
  var isEnding: Bool { Task.isShuttingDownGracefully || Task.isCancelled }

  /// Recovers the claims of replicas that have ended, expires invitations, and plans those that waited for their workspace.
  nonisolated(nonsending) func maintain(_ session: PostgresSession) async throws {
    let now = Date.now
    let oldest = now - claimTimeout
    let store = sender.store
    let released = try await store.releaseClaims(notHeldBy: instance, before: oldest, at: now, in: session)
    reportPossiblySent(released)
    reportPossiblySent(try await notices.releaseClaims(notHeldBy: instance, before: oldest, at: now, in: session))
    while try await store.expire(at: now, in: session) > 0 {}
    let planned = try await store.planWaiting(at: now, in: session)
    if released > 0 || planned { queue.noteDue(at: now) }
  }

  private func reportPossiblySent(_ count: Int) {
    guard count > 0 else { return }
    possiblySent.increment(by: count)
    logger.warning(
      "the mailer ended while sending; the mails may have been sent already and are sent again with the same Message-ID",
      metadata: ["mails": "\(count)"])
  }
}
