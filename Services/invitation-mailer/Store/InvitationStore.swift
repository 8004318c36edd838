import Foundation
import MailTemplates
import Models
import Outbox
import Postgres

/// An invitation, or a reminder of one, that is due.
struct DueInvitation: Sendable {
  var workspace: WorkspaceID
  var id: InvitationID
  var user: UserID
  /// 0 for the invitation itself, from 1 on for reminders.
  var reminder: Int
  /// The number of attempts so far.
  var attempts: Int
  var firstTriedAt: Date?
  var traceparent: String?
  var recipient: Recipient
  /// The version of the workspace to compose the mail with.
  var settings: WorkspaceVersion
  /// Whether it is sent to the administrator in a digest.
  var isDigest: Bool
  /// The mail to the administrator that it was part of.
  var digest: InvitationID?
  /// When the mail is due.
  var dueAt: Date
  /// When it was claimed, which identifies the claim; nil if it is not claimed.
  var claimedAt: Date?
  /// When the person was pushed, to measure the time until the mail is sent. For an invitation that was read from the database, when the mailer
  /// stored it.
  var pushedAt: Date?

  /// The invited person, with the current data.
  struct Recipient: Sendable, Hashable {
    var email: String
    var givenName: String?
    var displayName: String?
    var language: String?

    /// The domain of the address, in lower case; empty if there is none.
    var domain: String { email.lastIndex(of: "@").map { email[email.index(after: $0)...].lowercased() } ?? "" }
  }
}

/// The mails that wait to be sent.
struct PendingMails: Sendable, Hashable {
  var count = 0
  /// Since when the one that waits longest is due; nil if none waits.
  var dueSince: Date?
}

/// A version of a workspace: cached data of another version is stale.
struct WorkspaceVersion: Sendable, Hashable {
  var workspace: WorkspaceID
  var version: Int
  /// Increases with every change of the templates.
  var templates: Int
}

/// The invitations in PostgreSQL, as the scheduler uses them.
struct InvitationStore: Sendable {
  let pool: PostgresPool
  /// Publishes events that were just committed.
  var relay: OutboxRelay?

  /// Returns the invitations that have been due longest, and when to look again if these are fewer than `limit`; nil if nothing follows.
  ///
  /// Invitations of unknown workspaces are skipped. The workspace's event has not arrived yet, because it is on another partition.
  nonisolated(nonsending) func due(
    atMost limit: Int, at now: Date, in session: PostgresSession
  ) async throws -> (due: [DueInvitation], next: Date?) {
    let rows = try await session.query(InvitationStatements.due, [.timestamp(now), .int(Int64(limit))]).map(Self.invitation)
    let due = rows.filter { $0.dueAt <= now }
    return (due, due.count < limit ? rows.first { $0.dueAt > now }?.dueAt : now)
  }

  /// Returns the invitations that go into the same mail to the administrator as `invitation`.
  nonisolated(nonsending) func digest(of invitation: DueInvitation, in session: PostgresSession) async throws -> [DueInvitation] {
    try await session.query(
      InvitationStatements.digest,
      [
        .uuid(invitation.workspace.uuid), .optional(invitation.digest?.uuid, PostgresValue.uuid),
        .int(Int64(DigestNotice.maximumPeople)),
      ]
    ).map(Self.invitation)
  }

  /// Marks `invitations` as being sent, and returns those that were still due.
  ///
  /// The claim is committed before the mail is sent, so that after a crash it is known which mails may have been sent.
  nonisolated(nonsending) func claim(
    _ invitations: [DueInvitation], digest: InvitationID? = nil, by instance: String, at now: Date, in session: PostgresSession
  ) async throws -> [DueInvitation] {
    guard !invitations.isEmpty else { return [] }
    let rows = try await session.query(
      InvitationStatements.claim,
      [
        .uuidArray(invitations.map(\.workspace.uuid)), .uuidArray(invitations.map(\.id.uuid)), .timestamp(now),
        .optional(digest?.uuid, PostgresValue.uuid), .text(instance),
      ])
    let claimed = Set(try rows.map { InvitationID(try $0.uuid(0)) })
    return invitations.filter { claimed.contains($0.id) }.map { invitation in
      var invitation = invitation
      invitation.claimedAt = now
      return invitation
    }
  }

  /// Postpones invitations, each to its time.
  nonisolated(nonsending) func postpone(_ invitations: [(DueInvitation, Date)], in session: PostgresSession) async throws {
    guard !invitations.isEmpty else { return }
    _ = try await session.query(
      InvitationStatements.postpone,
      [
        .uuidArray(invitations.map(\.0.workspace.uuid)), .uuidArray(invitations.map(\.0.id.uuid)),
        .timestampArray(invitations.map(\.1)),
      ])
  }

  /// Gives back claimed invitations that were not tried. Claims that were ended or renewed in the meantime are not changed.
  nonisolated(nonsending) func release(_ invitations: [DueInvitation], at now: Date, in session: PostgresSession) async throws {
    guard !invitations.isEmpty else { return }
    _ = try await session.query(
      InvitationStatements.release,
      [
        .uuidArray(invitations.map(\.workspace.uuid)), .uuidArray(invitations.map(\.id.uuid)),
        .timestampArray(invitations.map(\.claimedAt)), .timestamp(now),
      ])
  }

  /// Releases the claims that `instance` left behind when it ended. The mails are sent again with the same Message-ID.
  ///
  /// - Returns: The number of mails that may have been sent already.
  nonisolated(nonsending) func releaseClaims(heldBy instance: String, at now: Date, in session: PostgresSession) async throws -> Int {
    try await releaseClaims([.timestamp(now), .bool(true), .text(instance), .timestamp(now)], in: session)
  }

  /// Releases the claims of other replicas from before `time`, which cannot still be sending.
  ///
  /// - Returns: The number of mails that may have been sent already.
  nonisolated(nonsending) func releaseClaims(
    notHeldBy instance: String, before time: Date, at now: Date, in session: PostgresSession
  ) async throws -> Int {
    try await releaseClaims([.timestamp(now), .bool(false), .text(instance), .timestamp(time)], in: session)
  }

  /// The history shows the claim, too, because it is the time from which on the mail may have been sent.
  private nonisolated(nonsending) func releaseClaims(_ parameters: [PostgresValue], in session: PostgresSession) async throws -> Int {
    try await session.transaction { transaction in
      let rows = try await transaction.query(InvitationStatements.releaseClaims, parameters)
      var changes: [StateChange] = []
      for row in rows {
        let released = try StateChange(row)
        var claim = released
        (claim.state, claim.reason, claim.changedAt) = (.sending, StateChange.claimed, try row.timestamp(7))
        changes += [claim, released]
      }
      try await transaction.commit(changes, publishingWith: relay)
      return rows.count
    }
  }

  /// Expires invitations whose lifetime is over, at most a thousand, and returns how many.
  nonisolated(nonsending) func expire(at now: Date, in session: PostgresSession) async throws -> Int {
    try await session.transaction { transaction in
      let expired = try await transaction.query(InvitationStatements.expire, [.timestamp(now), .int(1000)]).map { try StateChange($0) }
      try await transaction.commit(expired, publishingWith: relay)
      return expired.count
    }
  }

  /// Records the results of mails, each with a row of the history and an event.
  ///
  /// An invitation that was withdrawn while its mail was being sent stays withdrawn; only the time of sending is recorded.
  ///
  /// - Returns: The stored events, which are published.
  func record(_ outcomes: [MailOutcome], at now: Date) async throws -> [StoredMessage] {
    let messages = try outcomes.map { try $0.change(at: now).message() }
    let rows: Rows
    do {
      rows = try await pool.query(InvitationStatements.record, Self.columns(outcomes, at: now) + StateChange.columns(of: messages))
    } catch {
      // The results may have been committed nevertheless.
      relay?.wake()
      throw error
    }
    var ids: [String: Int] = [:]
    for row in rows { ids[try row.string(1)] = try row.int(0) }
    let stored = zip(outcomes, messages).compactMap { outcome, message in
      ids[outcome.change(at: now).eventID].map { StoredMessage(id: $0, message: message) }
    }
    relay?.publish(stored)
    return stored
  }

  private static func columns(_ outcomes: [MailOutcome], at now: Date) -> [PostgresValue] {
    [
      .uuidArray(outcomes.map(\.workspace.uuid)), .uuidArray(outcomes.map(\.id.uuid)),
      .textArray(outcomes.map(\.record.state.rawValue)), .textArray(outcomes.map(\.record.reason)),
      .textArray(outcomes.map(\.record.answer)), .timestampArray(outcomes.map(\.record.nextAttemptAt)),
      .intArray(outcomes.map { Int64($0.record.reminder) }), .intArray(outcomes.map { Int64($0.record.attempts) }),
      .timestampArray(outcomes.map(\.record.firstTriedAt)), .boolArray(outcomes.map(\.record.isSent)), .timestamp(now),
    ]
  }

  /// Loads a workspace's settings and templates; nil if it is unknown.
  func workspace(_ id: WorkspaceID) async throws -> (settings: WorkspaceSettings, templates: [InvitationTemplate])? {
    guard let row = try await pool.query(InvitationStatements.workspace, [.uuid(id.uuid)]).first else { return nil }
    let templates = try await pool.query(InvitationStatements.templates, [.uuid(id.uuid)]).map { row in
      InvitationTemplate(
        language: try row.string(0), subject: try row.optionalString(1), text: try row.optionalString(2), html: try row.optionalString(3))
    }
    return (try JSONData.decode(from: row.bytes(0), type: "workspace settings"), templates)
  }

  /// The invitations and notices that are due or being sent.
  func pending(at now: Date) async throws -> PendingMails {
    guard let row = try await pool.query(InvitationStatements.pending, [.timestamp(now)]).first else { return PendingMails() }
    return PendingMails(count: try row.int(0), dueSince: try row.optionalTimestamp(1))
  }

  /// Plans invitations that waited for their workspace while another replica stored it.
  ///
  /// - Returns: Whether there were any.
  nonisolated(nonsending) func planWaiting(at now: Date, in session: PostgresSession) async throws -> Bool {
    let waiting = try await session.query(EventStatements.unplanned)
    for row in waiting {
      let settings: WorkspaceSettings = try JSONData.decode(from: row.bytes(1), type: "workspace settings")
      let parameters = MailerWriter.planParameters(WorkspaceID(try row.uuid(0)), settings.invitations, at: now)
      try await session.transaction { transaction in
        let planned = try await transaction.query(EventStatements.plan, parameters).map { try StateChange($0) }
        try await transaction.commit(planned.filter(\.isEnd), publishingWith: relay)
      }
    }
    return waiting.count > 0
  }

  /// Deletes skipped sign-ins and executed orders that are too old to matter.
  func deleteOldRecords(at now: Date) async throws {
    _ = try await pool.query(
      SignInStatements.deleteExpired, [.timestamp(now.addingTimeInterval(-SignInStore.retentionDays * InvitationPlan.day))])
    _ = try await pool.query(InvitationStatements.deleteOrders, [.timestamp(now.addingTimeInterval(-60 * InvitationPlan.day))])
  }

  private static func invitation(_ row: Row) throws -> DueInvitation {
    let workspace = WorkspaceID(try row.uuid(0))
    return DueInvitation(
      workspace: workspace, id: InvitationID(try row.uuid(1)), user: UserID(try row.uuid(2)), reminder: try row.int(3),
      attempts: try row.int(4), firstTriedAt: try row.optionalTimestamp(5), traceparent: try row.optionalString(6),
      recipient: DueInvitation.Recipient(
        email: try row.optionalString(7) ?? "", givenName: try row.optionalString(8), displayName: try row.optionalString(9),
        language: try row.optionalString(10)),
      settings: WorkspaceVersion(workspace: workspace, version: try row.int(11), templates: try row.int(12)),
      isDigest: try row.bool(13), digest: try row.optionalUUID(14).map(InvitationID.init),
      dueAt: try row.timestamp(15), pushedAt: try row.timestamp(16))
  }
}
