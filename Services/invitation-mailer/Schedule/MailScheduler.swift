import Foundation
import Logging
import MailTemplates
import Metrics
import Models
import Postgres
import ServiceLifecycle

/// Sends due mails; at most one replica does at a time.
///
/// The replica that holds an advisory lock is the leader and sends. The lock belongs to a database session, so it is released when the leader
/// ends for any reason, and another replica takes over immediately.
final class MailScheduler: Service {
  private let pool: PostgresPool
  let sender: MailSender
  private let connections: [SMTPConnection]
  private let rateLimiter: DomainRateLimiter
  let noticeThrottle: NoticeThrottle
  let notices: NoticeStore
  /// Identifies this replica in claims: `invitation-mailer/0`.
  let instance: String
  /// How long another replica's claim is valid, in seconds.
  private let claimTimeout: TimeInterval
  /// How often the scheduler looks for due mails without being woken.
  let interval: Duration
  private let onInvitationEvents: @Sendable () -> Void
  private let logger: Logger
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation
  private let possiblySent = Counter(label: "rollcall_mailer_invitations_in_doubt_total")

  /// - Parameters:
  ///   - rateLimiter: The limit per recipient domain.
  ///   - noticeThrottle: The limit for mails to administrators about held changes.
  ///   - claimTimeout: How long a claim is valid, in seconds; longer than the timeout of the mail server.
  ///   - onInvitationEvents: Called when invitation events are waiting in the outbox.
  init(
    pool: PostgresPool, sender: MailSender, connections: [SMTPConnection], rateLimiter: DomainRateLimiter = DomainRateLimiter(rate: nil),
    noticeThrottle: NoticeThrottle = NoticeThrottle(), instance: String = "invitation-mailer/0", claimTimeout: TimeInterval = 120,
    interval: Duration = .seconds(1), logger: Logger,
    onInvitationEvents: @escaping @Sendable () -> Void = {}
  ) {
    self.pool = pool
    self.sender = sender
    self.connections = connections
    self.rateLimiter = rateLimiter
    self.noticeThrottle = noticeThrottle
    notices = sender.notices
    self.instance = instance
    self.claimTimeout = claimTimeout
    self.interval = interval
    self.onInvitationEvents = onInvitationEvents
    self.logger = logger
    (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Looks for due mails now.
  func wake() { signal.yield() }

  /// Sends until shutdown. Mails in flight are completed and recorded.
  func run() async throws {
    try await withTaskCancellationOrGracefulShutdownHandler {
      try await withThrowingTaskGroup { group in
        group.addTask { await self.tick() }
        try await self.sendWhileLeader()
        group.cancelAll()
      }
    } onCancelOrGracefulShutdown: {
      self.signal.finish()
    }
    for connection in connections { await connection.close() }
  }

  private func tick() async {
    while !Task.isCancelled {
      signal.yield()
      do { try await Task.sleep(for: interval) } catch { return }
    }
  }

  /// Tries to become the leader at every signal, and sends at every signal while it is.
  private func sendWhileLeader() async throws {
    for await _ in signals {
      do {
        try await pool.withExclusiveConnection { session in
          guard try await session.query(Self.acquireLock).first?.bool(0) == true else { return }
          logger.info("this replica is now the leader and sends the invitations")
          reportPossiblySent(try await sender.store.releaseClaims(heldBy: instance, at: .now, in: session))
          reportPossiblySent(try await notices.releaseClaims(heldBy: instance, at: .now, in: session))
          var state = SendState(rateLimiter: rateLimiter, idle: connections)
          try await sendDue(session, &state)
          for await _ in signals { try await sendDue(session, &state) }
        }
      } catch let error as PostgresError where error.isTransient || !error.sqlState.isEmpty {
        logger.warning("the database is unavailable; sending is paused", metadata: ["error": "\(error)"])
      } catch is CancellationError {
        return
      }
    }
  }

  private static let acquireLock = Statement("acquire the sender lock", "select pg_try_advisory_lock(\(0x726f_6c6c_0101))")

  private func reportPossiblySent(_ count: Int) {
    guard count > 0 else { return }
    possiblySent.increment(by: count)
    logger.warning(
      "the mailer ended while sending; the mails may have been sent already and are sent again with the same Message-ID",
      metadata: ["mails": "\(count)"])
  }

  /// The leader's state.
  struct SendState {
    var rateLimiter: DomainRateLimiter
    /// The connections that are not sending a mail.
    var idle: [SMTPConnection]
    /// The time slots of invitations that the rate limiter postponed.
    var slots: [InvitationID: Date] = [:]
    /// When the scheduler last found no notice to send.
    var noticesCheckedAt = Date.distantPast
    var rate = SendRate()
  }

  /// Sends everything that is due, over all connections.
  ///
  /// Each mail is claimed right before it is sent, so that no person is mailed who was disabled or deleted in the meantime, and over the
  /// session that holds the lock, so that a replica that lost the lock stops.
  private nonisolated(nonsending) func sendDue(_ session: PostgresSession, _ state: inout SendState) async throws {
    let now = Date.now
    let oldest = now - claimTimeout
    reportPossiblySent(try await sender.store.releaseClaims(notHeldBy: instance, before: oldest, at: now, in: session))
    reportPossiblySent(try await notices.releaseClaims(notHeldBy: instance, before: oldest, at: now, in: session))
    while try await sender.store.expire(at: .now, in: session) > 0 { onInvitationEvents() }
    var pause = Self.minimumPause
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      state.idle = connections
      switch try await sendWhileAvailable(session, &state, pause: pause) {
      case .nothingDue: return
      case .sent: pause = Self.minimumPause
      case .serverUnavailable:
        let delay = pause
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: delay) }
        pause = min(pause * 2, Self.maximumPause)
      }
    }
  }

  private enum Progress { case nothingDue, sent, serverUnavailable }

  private enum Completion: Sendable {
    case attempted(SMTPConnection, ScheduledMail, MailSender.Attempt)
    case recorded
  }

  /// Keeps all connections busy until nothing is due or the mail server turns out to be unavailable.
  private nonisolated(nonsending) func sendWhileAvailable(
    _ session: PostgresSession, _ state: inout SendState, pause: Duration
  ) async throws -> Progress {
    let sender = sender
    return try await withThrowingTaskGroup(of: Completion.self) { group in
      var progress = Progress.nothingDue
      var claimed: [ScheduledMail] = []
      var (inFlight, unrecorded) = (0, 0)
      var serverIsAvailable = true
      var failure: (any Error)?
      while true {
        let mayContinue = serverIsAvailable && failure == nil && !Task.isShuttingDownGracefully && !Task.isCancelled
        do {
          while mayContinue, !state.idle.isEmpty, unrecorded < connections.count {
            if claimed.isEmpty {
              // After a pause, a single mail probes whether the server is available again.
              let isProbe = pause > Self.minimumPause && progress == .nothingDue
              if isProbe, inFlight > 0 { break }
              let limit = isProbe ? 1 : state.idle.count + state.rate.claimAhead(connections: connections.count)
              claimed = try await claim(atMost: limit, session, &state)
              if claimed.isEmpty { break }
            }
            let mail = claimed.removeFirst()
            let connection = state.idle.removeLast()
            inFlight += 1
            group.addTask { .attempted(connection, mail, try await sender.attempt(mail, over: connection)) }
          }
          if !mayContinue, failure == nil, !claimed.isEmpty {
            try await release(claimed, session)
            claimed = []
          }
        } catch {
          // Mails in flight are completed first, because their results must be recorded.
          failure = error
        }
        if inFlight == 0, unrecorded == 0 {
          if let failure { throw failure }
          return serverIsAvailable ? progress : .serverUnavailable
        }
        switch try await group.next() {
        case .attempted(let connection, let mail, let attempt)?:
          inFlight -= 1
          unrecorded += 1
          state.idle.append(connection)
          if attempt.result.serverIsAvailable {
            progress = .sent
            state.rate.count(at: .now)
          } else {
            serverIsAvailable = false
          }
          group.addTask {
            try await sender.record(attempt, of: mail, pause: pause)
            return .recorded
          }
        case .recorded?:
          unrecorded -= 1
          onInvitationEvents()
        case nil: return serverIsAvailable ? progress : .serverUnavailable
        }
      }
    }
  }

  /// The delay between two probes of an unavailable mail server.
  private static let minimumPause = Duration.seconds(1)
  private static let maximumPause = Duration.seconds(30)
}
