import Foundation
import MailTemplates
import Models
import Postgres

/// An invitation whose time has come.
struct DueInvitation: Sendable {
  var workspace: WorkspaceID
  var id: InvitationID
  var user: UserID
  /// 0 is the invitation itself, from 1 on they are reminders.
  var letter: Int
  /// How often this mail has been tried.
  var attempts: Int
  var firstTriedAt: Date?
  var traceparent: String?
  var recipient: Recipient
  /// What is known of the workspace, by its version.
  var settings: WorkspaceVersion
  var isDigest: Bool
  /// Of the mail to the administrator that it was in.
  var digest: InvitationID?

  /// As the user is at this moment.
  struct Recipient: Sendable, Hashable {
    var email: String
    var givenName: String?
    var displayName: String?
    var language: String?

    /// In lower case.
    var domain: String { email.lastIndex(of: "@").map { email[email.index(after: $0)...].lowercased() } ?? "" }
  }
}

/// Tells the states of a workspace apart.
struct WorkspaceVersion: Sendable, Hashable {
  var workspace: WorkspaceID
  var version: Int
  /// Of its templates.
  var templates: Int
}

/// The invitations, as the sending loop sees them.
struct InvitationStore: Sendable {
  let pool: PostgresPool

  /// The invitations that have been due longest. One whose workspace is not known yet is not among them: its event is still on the way,
  /// on another partition.
  nonisolated(nonsending) func due(atMost limit: Int, at now: Date, in session: PostgresSession) async throws -> [DueInvitation] {
    try await session.query(InvitationStatements.due, [.timestamp(now), .int(Int64(limit))]).map(Self.invitation)
  }

  /// Those that go into the same mail to the administrator as `invitation`.
  nonisolated(nonsending) func digest(of invitation: DueInvitation, in session: PostgresSession) async throws -> [DueInvitation] {
    try await session.query(
      InvitationStatements.digest,
      [
        .uuid(invitation.workspace.uuid), .optional(invitation.digest?.uuid, PostgresValue.uuid),
        .int(Int64(DigestNotice.maximumPeople)),
      ]
    ).map(Self.invitation)
  }

  /// Marks `invitations` as being sent, and returns the ids of those that still were to be: what is claimed is committed before the mail
  /// server hears of it, so that whoever comes after a crash knows which mails may be out.
  nonisolated(nonsending) func claim(
    _ invitations: [DueInvitation], digest: InvitationID? = nil, by sender: String, at now: Date, in session: PostgresSession
  ) async throws -> Set<InvitationID> {
    guard !invitations.isEmpty else { return [] }
    let rows = try await session.query(
      InvitationStatements.claim,
      [
        .uuidArray(invitations.map(\.workspace.uuid)), .uuidArray(invitations.map(\.id.uuid)), .timestamp(now),
        .optional(digest?.uuid, PostgresValue.uuid), .text(sender),
      ])
    return Set(try rows.map { InvitationID(try $0.uuid(0)) })
  }

  /// Puts invitations off, each to its time.
  nonisolated(nonsending) func putOff(_ invitations: [(DueInvitation, Date)], in session: PostgresSession) async throws {
    guard !invitations.isEmpty else { return }
    _ = try await session.query(
      InvitationStatements.putOff,
      [
        .uuidArray(invitations.map(\.0.workspace.uuid)), .uuidArray(invitations.map(\.0.id.uuid)),
        .timestampArray(invitations.map(\.1)),
      ])
  }

  /// Lets go of what `sender` claimed in an earlier life; each is sent again, under the same Message-ID.
  ///
  /// - Returns: How many may be out already.
  nonisolated(nonsending) func letGoOfClaims(of sender: String, at now: Date, in session: PostgresSession) async throws -> Int {
    try await session.query(InvitationStatements.letGo, [.timestamp(now), .bool(true), .text(sender), .timestamp(now)]).count
  }

  /// Lets go of what others claimed before `time`, and cannot be sending any more.
  nonisolated(nonsending) func letGoOfClaims(
    ofOthersThan sender: String, before time: Date, at now: Date, in session: PostgresSession
  ) async throws -> Int {
    try await session.query(InvitationStatements.letGo, [.timestamp(now), .bool(false), .text(sender), .timestamp(time)]).count
  }

  /// Gives back what was claimed and not tried.
  nonisolated(nonsending) func release(_ invitations: [DueInvitation], at now: Date, in session: PostgresSession) async throws {
    _ = try await session.query(
      InvitationStatements.release,
      [.uuidArray(invitations.map(\.workspace.uuid)), .uuidArray(invitations.map(\.id.uuid)), .timestamp(now)])
  }

  /// Ends the invitations that were good until now.
  nonisolated(nonsending) func expire(at now: Date, in session: PostgresSession) async throws -> Int {
    try await session.query(InvitationStatements.expire, [.timestamp(now), .int(1000)]).count
  }

  /// Writes down what became of mails.
  ///
  /// An invitation that was withdrawn while its mail was under way stays so; that the mail went out is noted.
  func record(_ outcomes: [MailOutcome], at now: Date) async throws {
    _ = try await pool.query(
      InvitationStatements.record,
      [
        .uuidArray(outcomes.map(\.workspace.uuid)), .uuidArray(outcomes.map(\.id.uuid)),
        .textArray(outcomes.map(\.record.state.rawValue)), .textArray(outcomes.map(\.record.reason)),
        .textArray(outcomes.map(\.record.answer)), .timestampArray(outcomes.map(\.record.nextAttemptAt)),
        .intArray(outcomes.map { Int64($0.record.letter) }), .intArray(outcomes.map { Int64($0.record.attempts) }),
        .timestampArray(outcomes.map(\.record.firstTriedAt)), .boolArray(outcomes.map(\.record.isSent)), .timestamp(now),
      ])
  }

  /// A workspace's settings and templates.
  func workspace(_ id: WorkspaceID) async throws -> (settings: WorkspaceSettings, templates: [InvitationTemplate])? {
    guard let row = try await pool.query(InvitationStatements.workspace, [.uuid(id.uuid)]).first else { return nil }
    let templates = try await pool.query(InvitationStatements.templates, [.uuid(id.uuid)]).map { row in
      InvitationTemplate(
        language: try row.string(0), subject: try row.optionalString(1), text: try row.optionalString(2), html: try row.optionalString(3))
    }
    return (try JSONData.decode(from: row.bytes(0), type: "workspace settings"), templates)
  }

  /// How many invitations wait to be sent, and mails to administrators.
  func pending() async throws -> Int {
    try await pool.query(InvitationStatements.pending).first?.int(0) ?? 0
  }

  /// Plans the invitations whose workspace came at the same time, by way of another replica.
  func planLate(at now: Date) async throws {
    for row in try await pool.query(EventStatements.unplanned) {
      let settings: WorkspaceSettings = try JSONData.decode(from: row.bytes(1), type: "workspace settings")
      _ = try await pool.query(
        EventStatements.plan, MailerWriter.planParameters(WorkspaceID(try row.uuid(0)), settings.invitations, at: now))
    }
  }

  /// Forgets what nobody asks for any more.
  func tidy(at now: Date) async throws {
    _ = try await pool.query(SignInStatements.forgetSkipped, [.timestamp(now.addingTimeInterval(-SignInStore.retentionDays * InvitationPlan.day))])
    _ = try await pool.query(InvitationStatements.forgetOrders, [.timestamp(now.addingTimeInterval(-60 * InvitationPlan.day))])
  }

  private static func invitation(_ row: Row) throws -> DueInvitation {
    let workspace = WorkspaceID(try row.uuid(0))
    return DueInvitation(
      workspace: workspace, id: InvitationID(try row.uuid(1)), user: UserID(try row.uuid(2)), letter: try row.int(3),
      attempts: try row.int(4), firstTriedAt: try row.optionalTimestamp(5), traceparent: try row.optionalString(6),
      recipient: DueInvitation.Recipient(
        email: try row.optionalString(7) ?? "", givenName: try row.optionalString(8), displayName: try row.optionalString(9),
        language: try row.optionalString(10)),
      settings: WorkspaceVersion(workspace: workspace, version: try row.int(11), templates: try row.int(12)),
      isDigest: try row.bool(13), digest: try row.optionalUUID(14).map(InvitationID.init))
  }
}
