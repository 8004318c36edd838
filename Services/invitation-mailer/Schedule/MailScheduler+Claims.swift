import Foundation
import Models
import Postgres

// Claiming due mails.
extension MailScheduler {
  /// Adds the next due mails to the queue, if there may be any and the queue is empty.
  nonisolated(nonsending) func claimDue(_ session: PostgresSession, _ state: inout SendState) async throws {
    // Notices have priority over invitations, however many invitations are due.
    if state.nextNoticeLook <= .now, let notice = try await claimNotice(session, &state) { return queue.add([.notice(notice)]) }
    guard queue.count == 0, min(queue.nextDue, state.nextLook) <= .now else { return }
    queue.beginLook()
    let (mails, next) = try await claim(atMost: state.claimLimit, session, &state)
    queue.add(mails)
    // Many invitations may expire one shortly after the other.
    if let next { queue.endLook(nextDue: mails.isEmpty ? max(next, .now + Self.shortestPause) : next) }
    state.nextLook = .now + interval / .seconds(1)
  }

  /// Claims the next due mails, and postpones those that exceed the rate limit of their domain.
  ///
  /// - Returns: The mails, and when the next one is due.
  private nonisolated(nonsending) func claim(
    atMost limit: Int, _ session: PostgresSession, _ state: inout SendState
  ) async throws -> (mails: [ScheduledMail], next: Date?) {
    let store = sender.store
    while true {
      let now = Date.now
      let (due, next) = try await store.due(atMost: limit, at: now, in: session)
      guard let first = due.first else { return ([], next) }
      if first.isDigest, first.reminder == 0 { return (try await claimDigest(of: first, session).map { [$0] } ?? [], now) }
      var ready: [DueInvitation] = []
      var postponed: [(DueInvitation, Date)] = []
      for invitation in due where !invitation.isDigest {
        let isWaiting = state.slots.removeValue(forKey: invitation.id) != nil
        let slot = state.rateLimiter.slot(for: invitation.recipient.domain, at: now, isWaiting: isWaiting)
        if slot <= now {
          ready.append(invitation)
        } else {
          state.slots[invitation.id] = slot
          postponed.append((invitation, slot))
        }
      }
      // Removes the slots of invitations that were withdrawn while they waited.
      if state.slots.count > Self.maximumSlots { state.slots = state.slots.filter { $0.value > now } }
      try await store.postpone(postponed, in: session)
      let claimed = try await store.claim(ready, by: instance, at: now, in: session)
      claimed.recordClaims(since: now)
      let mails = claimed.map(ScheduledMail.invitation)
      // A postponed mail or a digest may be next.
      if !mails.isEmpty { return (mails, due.count > mails.count ? now : next) }
      // If all of them were postponed or withdrawn, others may be due behind them.
    }
  }

  /// Gives back claimed mails that were not tried.
  nonisolated(nonsending) func release(_ mails: [ScheduledMail], _ session: PostgresSession) async throws {
    try await sender.store.release(mails.flatMap(\.invitations), at: .now, in: session)
    for notice in mails.compactMap(\.notice) { try await notices.release(notice, at: .now, in: session) }
  }

  private nonisolated(nonsending) func claimNotice(_ session: PostgresSession, _ state: inout SendState) async throws -> DueNotice? {
    let now = Date.now
    try await notices.createNotices(noticeThrottle, at: now, in: session)
    let notice = try await notices.claim(by: instance, at: now, in: session)
    // Others may be due behind it.
    if notice == nil { state.nextNoticeLook = state.nextMaintenance }
    return notice
  }

  private nonisolated(nonsending) func claimDigest(of first: DueInvitation, _ session: PostgresSession) async throws -> ScheduledMail? {
    let now = Date.now
    let candidates = try await sender.store.digest(of: first, in: session)
    let id = first.digest ?? .derived("digest", first.id.description)
    let invitations = try await sender.store.claim(candidates, digest: id, by: instance, at: now, in: session)
    invitations.recordClaims(since: now)
    return invitations.isEmpty ? nil : .digest(invitations, id: id)
  }

  private static let maximumSlots = 100_000
  private static let shortestPause: TimeInterval = 0.1
}
