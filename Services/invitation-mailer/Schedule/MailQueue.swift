import Foundation
import Models
import Synchronization

/// The claimed mails of the sending leader, in memory, and what the leader has to look for in the database.
///
/// While the leader can send more mails, the transaction that stores invitations claims them too: a lone mail then needs no claim of its own.
/// The claims are reserved before the transaction, so that the queue remains short and no mail stays claimed for long.
final class MailQueue: Sendable {
  /// The permission to claim some of the invitations that a transaction stores.
  struct Reservation: Sendable, Hashable {
    /// The maximum number of mails.
    let count: Int
    /// The period of leadership in which it was made.
    fileprivate let period: Int
  }

  private struct State {
    var mails: [ScheduledMail] = []
    /// The number of mails that may be claimed; 0 if this process does not send.
    var limit = 0
    var reserved = 0
    var period = 0
    /// Claims that nobody sends.
    var abandoned: [DueInvitation] = []
    /// When the next mail in the database is due, as far as it is known.
    var nextDue = Date.distantPast
    /// When the oldest held change or alert was stored that the leader does not know of.
    var noticesSince: Date?
    /// The signals of the present leadership, or of the last one.
    var signal: AsyncStream<Void>.Continuation?
    /// Whether the process shuts down.
    var isFinished = false
  }

  private let state = Mutex(State())

  /// The signals of a new leadership: an element after each change that the leader has to look at. They end at shutdown.
  ///
  /// Each leadership needs a stream of its own, because a stream ends for good when a task that waits for it is cancelled.
  func signals() -> AsyncStream<Void> {
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let isFinished = state.withLock { state in
      state.signal = signal
      return state.isFinished
    }
    if isFinished { signal.finish() }
    return signals
  }

  /// Makes the leader look at the queue.
  func wake() { _ = state.withLock { $0.signal }?.yield() }

  /// Ends the signals.
  func finish() {
    let signal = state.withLock { state in
      state.isFinished = true
      return state.signal
    }
    signal?.finish()
  }
}

// MARK: - For transactions that store invitations

extension MailQueue {
  /// Reserves room for at most `count` mails; nil if this process does not send, or has enough mails.
  func reserve(upTo count: Int) -> Reservation? {
    state.withLock { state in
      let count = min(count, state.limit - state.mails.count - state.reserved)
      guard count > 0 else { return nil }
      state.reserved += count
      return Reservation(count: count, period: state.period)
    }
  }

  /// Ends a reservation with the mails that were claimed.
  func fulfil(_ reservation: Reservation, with mails: [DueInvitation]) {
    state.withLock { state in
      if end(reservation, &state) { state.mails += mails.map(ScheduledMail.invitation) } else { abandon(mails, &state) }
    }
    if !mails.isEmpty { wake() }
  }

  /// Ends a reservation after an error. Claims of `mails` that were committed nevertheless are released.
  func cancel(_ reservation: Reservation, claims mails: [DueInvitation]) {
    state.withLock { state in
      _ = end(reservation, &state)
      abandon(mails, &state)
    }
    if !mails.isEmpty { wake() }
  }

  /// Notes that a mail in the database is due at `time`.
  func noteDue(at time: Date) {
    state.withLock { $0.nextDue = min($0.nextDue, time) }
    wake()
  }

  /// Notes that held changes or alerts wait since `time`, about which an administrator is mailed.
  func noteNotices(at time: Date) {
    state.withLock { $0.noticesSince = $0.noticesSince ?? time }
    wake()
  }

  /// - Returns: Whether the reservation is of the present period.
  private func end(_ reservation: Reservation, _ state: inout State) -> Bool {
    guard reservation.period == state.period else { return false }
    state.reserved -= reservation.count
    return true
  }

  private func abandon(_ mails: [DueInvitation], _ state: inout State) {
    state.abandoned += mails
    // Without leadership nobody takes them here: the next leader recovers the claims.
    state.abandoned.removeFirst(max(0, state.abandoned.count - Self.maximumAbandoned))
  }

  private static let maximumAbandoned = 1000
}

// MARK: - For the leader

extension MailQueue {
  /// The number of claimed mails.
  var count: Int { state.withLock { $0.mails.count } }

  /// When the next mail in the database is due, as far as it is known.
  var nextDue: Date { state.withLock { $0.nextDue } }

  /// Allows reservations while less than `limit` mails are claimed.
  func open(limit: Int) { state.withLock { $0.limit = limit } }

  /// Allows no more reservations, and returns the claimed mails.
  func close() -> [ScheduledMail] { state.withLock { close(&$0) } }

  /// Allows no more reservations, and abandons the claims of mails that are not started.
  func abandonAll() { state.withLock { abandon(close(&$0).flatMap(\.invitations), &$0) } }

  private func close(_ state: inout State) -> [ScheduledMail] {
    defer { state.mails = [] }
    state.limit = 0
    state.reserved = 0
    state.period += 1
    return state.mails
  }

  /// Removes and returns the next mail.
  func next() -> ScheduledMail? { state.withLock { $0.mails.isEmpty ? nil : $0.mails.removeFirst() } }

  /// Adds mails that the leader claimed. Notices have priority.
  func add(_ mails: [ScheduledMail]) {
    state.withLock { state in
      if mails.first?.notice == nil { state.mails += mails } else { state.mails = mails + state.mails }
    }
  }

  /// Removes and returns the claims of mails that nobody sends.
  func takeAbandoned() -> [DueInvitation] {
    state.withLock { state in
      defer { state.abandoned = [] }
      return state.abandoned
    }
  }

  /// Begins a look at the database: mails that are stored from now on are noted again.
  func beginLook() { state.withLock { $0.nextDue = .distantFuture } }

  /// Ends a look, which found that the next mail is due at `time`.
  func endLook(nextDue time: Date) { state.withLock { $0.nextDue = min($0.nextDue, time) } }

  /// Returns since when held changes or alerts wait that were noted after the last call; nil if there are none.
  func takeNotices() -> Date? {
    state.withLock { state in
      defer { state.noticesSince = nil }
      return state.noticesSince
    }
  }
}
