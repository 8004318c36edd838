import Foundation
import Logging
import MailTemplates
import Metrics
import Models
import Postgres
import ServiceLifecycle

/// Sends the invitations that are due, as the only one of the replicas that does.
///
/// Who holds an advisory lock sends. The lock belongs to a database session: it comes free when its holder ends, however it ends, so that
/// another replica, or the same one started again, goes on at once.
final class MailScheduler: Service {
  private let pool: PostgresPool
  private let desk: MailSender
  private let connections: [SMTPConnection]
  private let pace: DomainRateLimiter
  /// Of the mails to administrators about held changes.
  private let noticePace: NoticeThrottle
  private let notices: NoticeStore
  /// Stands at what it claims: `invitation-mailer/0`.
  private let sender: String
  /// How long another sender may be at a mail that it claimed.
  private let patience: TimeInterval
  /// How often it looks for what has become due without its being told.
  private let interval: Duration
  private let told: @Sendable () -> Void
  private let logger: Logger
  private let signals: AsyncStream<Void>
  private let signal: AsyncStream<Void>.Continuation
  private let inDoubt = Counter(label: "rollcall_mailer_invitations_in_doubt_total")

  /// - Parameters:
  ///   - patience: How long a mail may be under way: more than the mail server's time-out.
  ///   - told: Called when there are events of invitations to be published.
  init(
    pool: PostgresPool, desk: MailSender, connections: [SMTPConnection], pace: DomainRateLimiter = DomainRateLimiter(rate: nil),
    noticePace: NoticeThrottle = NoticeThrottle(), sender: String = "invitation-mailer/0", patience: TimeInterval = 120,
    interval: Duration = .seconds(1), logger: Logger,
    told: @escaping @Sendable () -> Void = {}
  ) {
    self.pool = pool
    self.desk = desk
    self.connections = connections
    self.pace = pace
    self.noticePace = noticePace
    notices = NoticeStore(pool: pool)
    self.sender = sender
    self.patience = patience
    self.interval = interval
    self.told = told
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
          note(inDoubt: try await desk.store.letGoOfClaims(of: sender, at: .now, in: session))
          note(inDoubt: try await notices.letGoOfClaims(of: sender, at: .now, in: session))
          var round = Round(pace: pace, idle: connections)
          try await sendDue(session, &round)
          for await _ in signals { try await sendDue(session, &round) }
        }
      } catch let error as PostgresError where error.isTransient || !error.sqlState.isEmpty {
        logger.warning("sending stops until the database is there again", metadata: ["error": "\(error)"])
      } catch is CancellationError {
        return
      }
    }
  }

  private static let lead = Statement("lead the sending", "select pg_try_advisory_lock(\(0x726f_6c6c_0101))")

  private func note(inDoubt count: Int) {
    guard count > 0 else { return }
    inDoubt.increment(by: count)
    logger.warning(
      "the mailer ended while it sent mails, which may have gone out; they are sent again as the same mails",
      metadata: ["mails": "\(count)"])
  }

  /// What the loop carries from one round to the next.
  private struct Round {
    var pace: DomainRateLimiter
    /// The connections that have no mail.
    var idle: [SMTPConnection]
    /// Invitations that were put off to a time of their own, which is no time to be put off again.
    var slots: [InvitationID: Date] = [:]
    /// When it was last seen that no administrator is to be told of anything.
    var noticesLookedForAt = Date.distantPast
    var speed = Speed()
  }

  /// Sends all that is due, as many at a time as there are connections. Each is read again right before its turn, so that nobody is
  /// mailed who was disabled or deleted meanwhile; and over the session that has the lock, so that who lost it notices.
  private nonisolated(nonsending) func sendDue(_ session: PostgresSession, _ round: inout Round) async throws {
    let now = Date.now
    note(inDoubt: try await desk.store.letGoOfClaims(ofOthersThan: sender, before: now - patience, at: now, in: session))
    note(inDoubt: try await notices.letGoOfClaims(ofOthersThan: sender, before: now - patience, at: now, in: session))
    while try await desk.store.expire(at: .now, in: session) > 0 { told() }
    var pause = Self.firstPause
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      round.idle = connections
      switch try await sendWhileThere(session, &round, pause: pause) {
      case .nothingDue: return
      case .sent: pause = Self.firstPause
      case .serverAway:
        let pausing = pause
        try await cancelWhenGracefulShutdown { try await Task.sleep(for: pausing) }
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  /// How fast the server takes mails, to know how many may be claimed ahead without lying claimed for long.
  struct Speed: Sendable {
    private var began = ContinuousClock.now
    private var counted = 0
    private var last = 0

    static let window = Duration.milliseconds(250)

    mutating func count(at now: ContinuousClock.Instant) {
      let age = now - began
      if age > Self.window {
        last = age > Self.window * 2 ? 0 : counted
        counted = 0
        began = now
      }
      counted += 1
    }

    /// As many as went out in a quarter of a second, and no more than three a connection.
    func ahead(of connections: Int) -> Int { min(last, connections * 3) }
  }

  private enum Progress { case nothingDue, sent, serverAway }

  private enum Done: Sendable {
    case answered(SMTPConnection, Mailing, MailSender.Attempt)
    case recorded
  }

  /// Keeps all connections at work until nothing is due, or the server is found to be away.
  private nonisolated(nonsending) func sendWhileThere(
    _ session: PostgresSession, _ round: inout Round, pause: Duration
  ) async throws -> Progress {
    let desk = desk
    return try await withThrowingTaskGroup(of: Done.self) { group in
      var progress = Progress.nothingDue
      var claimed: [Mailing] = []
      var (underWay, unrecorded) = (0, 0)
      var isServerThere = true
      var problem: (any Error)?
      while true {
        let goesOn = isServerThere && problem == nil && !Task.isShuttingDownGracefully && !Task.isCancelled
        do {
          while goesOn, !round.idle.isEmpty, unrecorded < connections.count {
            if claimed.isEmpty {
              // After a pause, one mail tries whether the server is back.
              let isTrial = pause > Self.firstPause && progress == .nothingDue
              if isTrial, underWay > 0 { break }
              claimed = try await claim(atMost: isTrial ? 1 : round.idle.count + round.speed.ahead(of: connections.count), session, &round)
              if claimed.isEmpty { break }
            }
            let mailing = claimed.removeFirst()
            let connection = round.idle.removeLast()
            underWay += 1
            group.addTask { .answered(connection, mailing, try await desk.attempt(mailing, over: connection)) }
          }
          if !goesOn, problem == nil, !claimed.isEmpty {
            try await desk.store.release(claimed.flatMap(\.invitations), at: .now, in: session)
            for notice in claimed.compactMap(\.notice) { try await notices.release(notice, at: .now, in: session) }
            claimed = []
          }
        } catch {
          // What is under way is seen through: its outcome has to be written down.
          problem = error
        }
        if underWay == 0, unrecorded == 0 {
          if let problem { throw problem }
          return isServerThere ? progress : .serverAway
        }
        switch try await group.next() {
        case .answered(let connection, let mailing, let attempt)?:
          underWay -= 1
          unrecorded += 1
          round.idle.append(connection)
          if attempt.isServerThere {
            progress = .sent
            round.speed.count(at: .now)
          } else {
            isServerThere = false
          }
          group.addTask {
            try await desk.record(attempt, of: mailing, pause: pause)
            return .recorded
          }
        case .recorded?:
          unrecorded -= 1
          told()
        case nil: return isServerThere ? progress : .serverAway
        }
      }
    }
  }

  /// Claims due mails, and puts off those that their domain is not to have yet.
  private nonisolated(nonsending) func claim(
    atMost limit: Int, _ session: PostgresSession, _ round: inout Round
  ) async throws -> [Mailing] {
    guard limit > 0 else { return [] }
    if let notice = try await claimNotice(session, &round) { return [.notice(notice)] }
    let store = desk.store
    while true {
      let now = Date.now
      let due = try await store.due(atMost: limit, at: now, in: session)
      guard let first = due.first else { return [] }
      if first.isDigest, first.letter == 0 { return try await claimDigest(of: first, session).map { [$0] } ?? [] }
      var ready: [DueInvitation] = []
      var putOff: [(DueInvitation, Date)] = []
      for invitation in due where !invitation.isDigest {
        let isWaiting = round.slots.removeValue(forKey: invitation.id) != nil
        let slot = round.pace.slot(for: invitation.recipient.domain, at: now, isWaiting: isWaiting)
        if slot <= now {
          ready.append(invitation)
        } else {
          round.slots[invitation.id] = slot
          putOff.append((invitation, slot))
        }
      }
      // Those that were withdrawn meanwhile never come back for their time.
      if round.slots.count > Self.maximumSlots { round.slots = round.slots.filter { $0.value > now } }
      try await store.putOff(putOff, in: session)
      let claimed = try await store.claim(ready, by: sender, at: now, in: session)
      let mailings = ready.filter { claimed.contains($0.id) }.map(Mailing.invitation)
      // What was put off or withdrawn made room for what comes after it.
      if !mailings.isEmpty { return mailings }
    }
  }

  /// Administrators are told ahead of the invitations, however many there are of those.
  private nonisolated(nonsending) func claimNotice(_ session: PostgresSession, _ round: inout Round) async throws -> DueNotice? {
    let now = Date.now
    guard now.timeIntervalSince(round.noticesLookedForAt) >= interval / .seconds(1) else { return nil }
    try await notices.gather(noticePace, at: now, in: session)
    if let notice = try await notices.claim(by: sender, at: now, in: session) { return notice }
    round.noticesLookedForAt = now
    return nil
  }

  private nonisolated(nonsending) func claimDigest(of first: DueInvitation, _ session: PostgresSession) async throws -> Mailing? {
    let together = try await desk.store.digest(of: first, in: session)
    let id = first.digest ?? .derived("digest", first.id.description)
    let claimed = try await desk.store.claim(together, digest: id, by: sender, at: .now, in: session)
    let invitations = together.filter { claimed.contains($0.id) }
    return invitations.isEmpty ? nil : .digest(invitations, id: id)
  }

  private static let maximumSlots = 100_000

  /// How long the loop stops while the mail server is away: at first, and at most.
  private static let firstPause = Duration.seconds(1)
  private static let longestPause = Duration.seconds(30)
}
