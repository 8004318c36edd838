import Foundation
import MailTemplates
import Models
import Postgres

extension IdentifierSubject {
  enum Notice {}
}

/// A mail to an administrator.
typealias NoticeID = Identifier<IdentifierSubject.Notice>

/// A mail to an administrator about held changes that is being sent.
struct DueNotice: Sendable, Hashable {
  var workspace: WorkspaceID
  var id: NoticeID
  /// How often it has been tried.
  var attempts: Int
  var firstTriedAt: Date?
  /// What is known of the workspace, by its version.
  var settings: WorkspaceVersion
}

/// How often an administrator may be mailed about held changes.
struct NoticeThrottle: Sendable, Hashable {
  /// For how long the first changes are gathered: those that wait for approval seldom come alone.
  var gathering: Duration = .seconds(20)
  /// At least so long after one mail comes the next of the workspace.
  var interval: Duration = .seconds(600)
}

/// The mails to administrators about held changes, as the sending loop sees them.
struct NoticeStore: Sendable {
  let pool: PostgresPool

  /// Makes the mails that are to be sent of what nobody was told of. What is in a mail is fixed then, and so is its Message-ID.
  nonisolated(nonsending) func gather(_ pace: NoticeThrottle, at now: Date, in session: PostgresSession) async throws {
    _ = try await session.query(
      NoticeStatements.gather,
      [
        .timestamp(now), .timestamp(now.addingTimeInterval(-(pace.gathering / .seconds(1)))),
        .timestamp(now.addingTimeInterval(-(pace.interval / .seconds(1)))),
      ])
  }

  /// Marks the mail that has been due longest as being sent; nil where none is due.
  nonisolated(nonsending) func claim(by sender: String, at now: Date, in session: PostgresSession) async throws -> DueNotice? {
    guard let row = try await session.query(NoticeStatements.claim, [.timestamp(now), .text(sender)]).first else { return nil }
    let workspace = WorkspaceID(try row.uuid(0))
    return DueNotice(
      workspace: workspace, id: NoticeID(try row.uuid(1)), attempts: try row.int(2), firstTriedAt: try row.optionalTimestamp(3),
      settings: WorkspaceVersion(workspace: workspace, version: try row.int(4), templates: try row.int(5)))
  }

  /// Gives back what was claimed and not tried.
  nonisolated(nonsending) func release(_ notice: DueNotice, at now: Date, in session: PostgresSession) async throws {
    _ = try await session.query(
      NoticeStatements.release, [.uuid(notice.workspace.uuid), .uuid(notice.id.uuid), .timestamp(now)])
  }

  /// Lets go of what `sender` claimed in an earlier life.
  ///
  /// - Returns: How many may be out already.
  nonisolated(nonsending) func letGoOfClaims(of sender: String, at now: Date, in session: PostgresSession) async throws -> Int {
    try await session.query(NoticeStatements.letGo, [.timestamp(now), .bool(true), .text(sender), .timestamp(now)]).count
  }

  /// Lets go of what others claimed before `time`.
  nonisolated(nonsending) func letGoOfClaims(
    ofOthersThan sender: String, before time: Date, at now: Date, in session: PostgresSession
  ) async throws -> Int {
    try await session.query(NoticeStatements.letGo, [.timestamp(now), .bool(false), .text(sender), .timestamp(time)]).count
  }

  /// What a mail has to tell.
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
    return HeldChanges(changes: changes, groups: try counts?.int(0) ?? 0, people: try counts?.int(1) ?? 0)
  }

  /// Writes down what became of a mail; of one that is not tried again, the names of people go.
  func record(_ record: MailRecord, of notice: DueNotice, at now: Date) async throws {
    _ = try await pool.query(
      NoticeStatements.record,
      [
        .uuid(notice.workspace.uuid), .uuid(notice.id.uuid), .text(record.state.rawValue),
        .optional(record.nextAttemptAt, PostgresValue.timestamp), .int(Int64(record.attempts)),
        .optional(record.firstTriedAt, PostgresValue.timestamp), .optional(record.answer, PostgresValue.text), .timestamp(now),
      ])
  }

  /// Forgets what no event can come again of.
  func tidy(at now: Date) async throws {
    _ = try await pool.query(NoticeStatements.tidy, [.timestamp(now.addingTimeInterval(-60 * InvitationPlan.day))])
  }
}
