import Foundation
import Models
import Postgres

// Claiming due mails.
extension MailScheduler {
  /// Claims the next due mails, and postpones those that exceed the rate limit of their domain.
  nonisolated(nonsending) func claim(
    atMost limit: Int, _ session: PostgresSession, _ state: inout SendState
  ) async throws -> [ScheduledMail] {
    guard limit > 0 else { return [] }
    if let notice = try await claimNotice(session, &state) { return [.notice(notice)] }
    let store = sender.store
    while true {
      let now = Date.now
      let due = try await store.due(atMost: limit, at: now, in: session)
      guard let first = due.first else { return [] }
      if first.isDigest, first.reminder == 0 { return try await claimDigest(of: first, session).map { [$0] } ?? [] }
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
      let mails = ready.filter { claimed.contains($0.id) }.map(ScheduledMail.invitation)
      // If all of them were postponed or withdrawn, others may be due behind them.
      if !mails.isEmpty { return mails }
    }
  }

  /// Gives back claimed mails that were not tried.
  nonisolated(nonsending) func release(_ mails: [ScheduledMail], _ session: PostgresSession) async throws {
    try await sender.store.release(mails.flatMap(\.invitations), at: .now, in: session)
    for notice in mails.compactMap(\.notice) { try await notices.release(notice, at: .now, in: session) }
  }

  /// Notices have priority over invitations, however many invitations are due.
  private nonisolated(nonsending) func claimNotice(_ session: PostgresSession, _ state: inout SendState) async throws -> DueNotice? {
    let now = Date.now
    guard now.timeIntervalSince(state.noticesCheckedAt) >= interval / .seconds(1) else { return nil }
    try await notices.createNotices(noticeThrottle, at: now, in: session)
    if let notice = try await notices.claim(by: instance, at: now, in: session) { return notice }
    state.noticesCheckedAt = now
    return nil
  }

  private nonisolated(nonsending) func claimDigest(of first: DueInvitation, _ session: PostgresSession) async throws -> ScheduledMail? {
    let candidates = try await sender.store.digest(of: first, in: session)
    let id = first.digest ?? .derived("digest", first.id.description)
    let claimed = try await sender.store.claim(candidates, digest: id, by: instance, at: .now, in: session)
    let invitations = candidates.filter { claimed.contains($0.id) }
    return invitations.isEmpty ? nil : .digest(invitations, id: id)
  }

  private static let maximumSlots = 100_000
}
