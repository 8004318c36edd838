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

/// A claimed mail to an administrator about held changes.
struct DueNotice: Sendable, Hashable {
  var workspace: WorkspaceID
  var id: NoticeID
  /// The number of attempts so far.
  var attempts: Int
  var firstTriedAt: Date?
  /// The version of the workspace to compose the mail with.
  var settings: WorkspaceVersion
}

/// Limits how often an administrator is mailed about held changes.
struct NoticeThrottle: Sendable, Hashable {
  /// How long changes are collected before the first mail, because held changes rarely come alone.
  var collectionPeriod: Duration = .seconds(20)
  /// The minimum time between two mails to a workspace.
  var interval: Duration = .seconds(600)
}

/// The mails to administrators about held changes in PostgreSQL, as the scheduler uses them.
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
    guard let row = try await session.query(NoticeStatements.claim, [.timestamp(now), .text(instance)]).first else { return nil }
    let workspace = WorkspaceID(try row.uuid(0))
    return DueNotice(
      workspace: workspace, id: NoticeID(try row.uuid(1)), attempts: try row.int(2), firstTriedAt: try row.optionalTimestamp(3),
      settings: WorkspaceVersion(workspace: workspace, version: try row.int(4), templates: try row.int(5)))
  }

  /// Gives back a claimed mail that was not tried.
  nonisolated(nonsending) func release(_ notice: DueNotice, at now: Date, in session: PostgresSession) async throws {
    _ = try await session.query(
      NoticeStatements.release, [.uuid(notice.workspace.uuid), .uuid(notice.id.uuid), .timestamp(now)])
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

  /// Loads the changes that a mail lists.
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
      NoticeStatements.record,
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
