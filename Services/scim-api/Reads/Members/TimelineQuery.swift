import EdgeHTTP
import Foundation
import Models
import Postgres
import ProvisioningLog

/// Reads the events of a member from all views that contain some.
package struct TimelineQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The newest events of a member before `time`.
  ///
  /// - Parameters:
  ///   - member: nil if the member is deleted.
  ///   - deletedAt: the time of the deletion.
  package func timeline(
    of id: UserID, member: StoredMember?, deletedAt: Date?, before time: Date, limit: Int = Timeline.pageSize, in workspace: WorkspaceID
  ) async throws -> Timeline {
    async let pushed = pushes(of: id, before: time, limit, in: workspace)
    async let mailed = mails(of: id, before: time, limit, in: workspace)
    async let held = heldChanges(of: id, before: time, limit, in: workspace)
    async let receipts = MemberQuery(database: database).receipts(of: id, before: time, limit: limit + 1, in: workspace)
    var states: [Timeline.Event] = []
    if let member {
      states.append(Timeline.Event(at: member.createdAt, kind: .added))
      if let first = member.firstSignedInAt {
        states.append(Timeline.Event(at: first, kind: .firstSignedIn))
        // Sign-ins before the first belong to another person who had the userName.
        if let last = member.lastSignedInAt, last > first { states.append(Timeline.Event(at: last, kind: .lastSignedIn)) }
      }
    }
    if let deletedAt { states.append(Timeline.Event(at: deletedAt, kind: .deleted)) }
    return Timeline(
      merging: [
        // In newest-first order, effects come before the requests that caused them.
        try await receipts.map { Timeline.Event(at: $0.revokedAt, kind: .accessEnded($0)) }, try await mailed, try await held,
        states.filter { $0.at < time }, try await pushed,
      ], limit: limit)
  }

  /// The requests of the identity provider in the log.
  private func pushes(of id: UserID, before time: Date, _ limit: Int, in workspace: WorkspaceID) async throws -> [Timeline.Event] {
    try await read(TimelineStatements.pushes, id, .uuid(Self.lowestLogEntry(at: time).uuid), limit, in: workspace).map { row in
      let entry = try LogEntry(json: try row.bytes(0))
      return Timeline.Event(at: entry.at, kind: .pushed(entry))
    }
  }

  private func mails(of id: UserID, before time: Date, _ limit: Int, in workspace: WorkspaceID) async throws -> [Timeline.Event] {
    try await read(TimelineStatements.mails, id, .timestamp(time), limit, in: workspace).compactMap { row in
      guard let state = InvitationState(rawValue: try row.string(1)) else { return nil }
      return Timeline.Event(at: try row.timestamp(0), kind: .mailed(state, reason: try row.string(2)))
    }
  }

  private func heldChanges(of id: UserID, before time: Date, _ limit: Int, in workspace: WorkspaceID) async throws -> [Timeline.Event] {
    var events: [Timeline.Event] = []
    for row in try await read(TimelineStatements.heldChanges, id, .timestamp(time), limit, in: workspace) {
      guard let kind = HeldChangeKind(rawValue: try row.string(0)) else { continue }
      let heldAt = try row.timestamp(2)
      if heldAt < time { events.append(Timeline.Event(at: heldAt, kind: .held(kind, by: try row.string(1)))) }
      guard let decidedAt = try row.optionalTimestamp(5), decidedAt < time else { continue }
      let event: Timeline.Kind? =
        switch try row.string(3) {
        case "approved": .decided(kind, .approve, by: try row.optionalString(4) ?? "")
        case "rejected": .decided(kind, .reject, by: try row.optionalString(4) ?? "")
        case "superseded": .superseded(kind)
        default: nil
        }
      if let event { events.append(Timeline.Event(at: decidedAt, kind: event)) }
    }
    return events
  }

  private func read(
    _ statement: Statement, _ id: UserID, _ position: PostgresValue, _ limit: Int, in workspace: WorkspaceID
  ) async throws -> Rows {
    try await database.query(statement, [.uuid(workspace.uuid), .uuid(id.uuid), position, .int(Int64(limit) + 1)], in: workspace)
  }

  /// The lowest id of a log entry at `time`. Ids start with the time in milliseconds.
  package static func lowestLogEntry(at time: Date) -> LogEntryID {
    let milliseconds = UInt64(max(0, min(time.timeIntervalSince1970 * 1000, 0xFFFF_FFFF_FFFF)))
    return LogEntryID(bytes: stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: milliseconds >> UInt64($0)) })
  }
}

/// SQL statements for the timeline. Parameters: workspace, member, start position, limit.
enum TimelineStatements {
  static let pushes = Statement(
    "console pushes of member",
    """
    select entry
    from identity_read.provisioning_log
    where workspace_id = $1
    and resource_id = $2
    and id < $3
    order by id desc
    limit $4::int8
    """)

  static let mails = Statement(
    "console mails of member",
    """
    select h.at, h.state, h.reason
    from mailer_read.invitations i
    join mailer_read.invitation_history h on h.workspace_id = $1 and h.invitation_id = i.id
    where i.workspace_id = $1
    and i.user_id = $2
    and h.at < $3
    order by h.at desc, h.id desc
    limit $4::int8
    """)

  static let heldChanges = Statement(
    "console held changes of member",
    """
    select kind, requested_by, held_at, status, decided_by, decided_at
    from identity_read.held_changes
    where workspace_id = $1
    and resource_id = $2
    and held_at < $3
    order by greatest(held_at, case when decided_at < $3 then decided_at end) desc
    limit $4::int8
    """)
}
