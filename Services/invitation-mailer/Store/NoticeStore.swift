import Foundation
import MailTemplates
import Models
import Postgres

extension IdentifierSubject {
  /// The tag of ``NoticeID``.
  enum Notice {}
}

/// The id of a mail to an administrator.
typealias NoticeID = Identifier<IdentifierSubject.Notice>

/// A claimed mail to an administrator.
struct DueNotice: Sendable, Hashable {
  /// The workspace; ``WorkspaceID/deployment`` for an alert of the whole deployment.
  var workspace: WorkspaceID
  var id: NoticeID
  var subject: Subject
  /// The number of attempts so far.
  var attempts: Int
  var firstTriedAt: Date?
  /// The version of the workspace to compose the mail with; nil if the mailer knows no such workspace, which only alerts do without.
  var settings: WorkspaceVersion?

  /// What the mail is about.
  enum Subject: Sendable, Hashable {
    case heldChanges
    case alert(AdministratorAlert)
    /// An alert that this release cannot read, since a newer one stored it.
    case unreadableAlert(kind: String)
  }
}

/// An alert to store.
struct NewAlert: Sendable, Hashable {
  var workspace: WorkspaceID
  /// The same for every delivery of the event.
  var id: NoticeID
  var alert: AdministratorAlert

  /// The alert that group-sync disabled an endpoint; nil if the event reports anything else.
  init?(_ event: WebhookChanged) {
    guard event.isFailure else { return nil }
    workspace = event.endpoint.workspace
    id = .derived("webhook disabled", event.endpoint.id.description, String(event.endpoint.version))
    alert = .webhookDisabled(WebhookFailure(event))
  }

  /// An alert about the seats or the admins of a workspace.
  init(_ event: WorkspaceAlert) {
    workspace = event.workspace
    id = .derived("workspace alert", event.command.description, event.kind.rawValue)
    alert = .workspace(event)
  }
}

/// Limits how often an administrator is mailed about held changes.
struct NoticeThrottle: Sendable, Hashable {
  /// How long changes are collected before the first mail, because held changes rarely come alone.
  var collectionPeriod: Duration = .seconds(20)
  /// The minimum time between two mails to a workspace.
  var interval: Duration = .seconds(600)
}

/// The mails to administrators in PostgreSQL, as the scheduler uses them.
struct NoticeStore: Sendable {
  let pool: PostgresPool

  /// Creates the mails for changes that are in no mail yet. The content and the Message-ID of a mail do not change after that.
  nonisolated(nonsending) func createNotices(_ throttle: NoticeThrottle, at now: Date, in session: PostgresSession) async throws {
    _ = try await session.query(
      NoticeStatements.create,
      [
        .timestamp(now), .timestamp(now.addingTimeInterval(-(throttle.collectionPeriod / .seconds(1)))),
        .timestamp(now.addingTimeInterval(-(throttle.interval / .seconds(1)))),
      ])
  }

  /// Marks the mail that has been due longest as being sent; nil if none is due.
  nonisolated(nonsending) func claim(by instance: String, at now: Date, in session: PostgresSession) async throws -> DueNotice? {
    if let row = try await session.query(NoticeStatements.claim, [.timestamp(now), .text(instance)]).first {
      return try notice(row, about: .heldChanges)
    }
    guard let row = try await session.query(AlertStatements.claim, [.timestamp(now), .text(instance)]).first else { return nil }
    let name = try row.string(6)
    let details = try row.bytes(7)
    guard let kind = AdministratorAlert.Kind(rawValue: name) else { return try notice(row, about: .unreadableAlert(kind: name)) }
    let subject: DueNotice.Subject
    do { subject = .alert(try AdministratorAlert(kind, details: details)) } catch { subject = .unreadableAlert(kind: name) }
    return try notice(row, about: subject)
  }

  private func notice(_ row: Row, about subject: DueNotice.Subject) throws -> DueNotice {
    let (workspace, version) = (WorkspaceID(try row.uuid(0)), try row.int(4))
    return DueNotice(
      workspace: workspace, id: NoticeID(try row.uuid(1)), subject: subject, attempts: try row.int(2),
      firstTriedAt: try row.optionalTimestamp(3),
      settings: version < 0 ? nil : WorkspaceVersion(workspace: workspace, version: version, templates: try row.int(5)))
  }

  /// Gives back a claimed mail that was not tried.
  nonisolated(nonsending) func release(_ notice: DueNotice, at now: Date, in session: PostgresSession) async throws {
    _ = try await session.query(
      notice.subject == .heldChanges ? NoticeStatements.release : AlertStatements.release,
      [.uuid(notice.workspace.uuid), .uuid(notice.id.uuid), .timestamp(now)])
  }

  /// Releases the claims that `instance` left behind when it ended.
  ///
  /// - Returns: The number of mails that may have been sent already.
  nonisolated(nonsending) func releaseClaims(heldBy instance: String, at now: Date, in session: PostgresSession) async throws -> Int {
    try await session.query(NoticeStatements.releaseClaims, [.timestamp(now), .bool(true), .text(instance), .timestamp(now)]).count
  }

  /// Releases the claims of other replicas from before `time`.
  ///
  /// - Returns: The number of mails that may have been sent already.
  nonisolated(nonsending) func releaseClaims(
    notHeldBy instance: String, before time: Date, at now: Date, in session: PostgresSession
  ) async throws -> Int {
    try await session.query(NoticeStatements.releaseClaims, [.timestamp(now), .bool(false), .text(instance), .timestamp(time)]).count
  }

  /// Loads the changes that a mail about held changes lists.
  func content(of notice: DueNotice) async throws -> HeldChanges {
    let key: [PostgresValue] = [.uuid(notice.workspace.uuid), .uuid(notice.id.uuid)]
    let counts = try await pool.query(NoticeStatements.counts, key).first
    let rows = try await pool.query(NoticeStatements.changes, key + [.int(Int64(HeldChanges.maximumNamed))])
    var changes: [HeldChanges.Change] = []
    for row in rows {
      guard let kind = HeldChangeKind(rawValue: try row.string(1)) else { continue }
      changes.append(
        HeldChanges.Change(
          id: HeldChangeID(try row.uuid(0)), kind: kind, name: try row.optionalString(2), leaving: try row.int(3),
          members: try row.optionalInt(4), heldAt: try row.timestamp(5)))
    }
    return HeldChanges(
      changes: changes, groups: try counts?.int(0) ?? 0, people: try counts?.int(1) ?? 0, others: try counts?.int(2) ?? 0)
  }

  /// Records the result of a mail. If it is not tried again, the names of people are erased.
  func record(_ record: MailRecord, of notice: DueNotice, at now: Date) async throws {
    _ = try await pool.query(
      notice.subject == .heldChanges ? NoticeStatements.record : AlertStatements.record,
      [
        .uuid(notice.workspace.uuid), .uuid(notice.id.uuid), .text(record.state.rawValue),
        .optional(record.nextAttemptAt, PostgresValue.timestamp), .int(Int64(record.attempts)),
        .optional(record.firstTriedAt, PostgresValue.timestamp), .optional(record.answer, PostgresValue.text), .timestamp(now),
      ])
  }

  /// Deletes mails and changes that are older than the retention of events.
  func deleteOldRecords(at now: Date) async throws {
    _ = try await pool.query(NoticeStatements.deleteOld, [.timestamp(now.addingTimeInterval(-60 * InvitationPlan.day))])
  }
}
