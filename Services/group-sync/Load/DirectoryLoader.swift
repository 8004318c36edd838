import Foundation
import Models
import Postgres

/// Loads the part of the directory that a batch needs, and the last sequence of each workspace, with one set-based statement.
///
/// The workspaces are locked first. Otherwise two replicas that apply a user event and a group event at the same time would not see each
/// other's changes, and the resulting membership would not be published. The lock is held until the commit, so the sequences of a
/// workspace have no gaps and no repetitions.
struct DirectoryLoader: Sendable {
  /// Locks the workspaces and loads the rows.
  ///
  /// - Throws: `PostgresError`, `PostgresDecodingError`, and `MessageError` if a stored document cannot be read.
  func load(_ writeSet: WriteSet, in transaction: PostgresTransaction) async throws -> Directory {
    let rows = try await transaction.query(
      Self.statement,
      [.uuidArray(writeSet.workspaces.sorted().map(\.uuid))] + writeSet.members.sorted().columns
        + writeSet.ranges.sorted { $0.group < $1.group }.columns + writeSet.memberships.sorted().columns + writeSet.groups.sorted().columns)
    var directory = Directory()
    for row in rows {
      let workspace = WorkspaceID(try row.uuid(0))
      switch (try row.optionalUUID(1), try row.optionalUUID(2)) {
      case (let group?, let member?):
        directory.load(Membership(GroupKey(workspace: workspace, id: GroupID(group)), UserID(member)))
      case (let group?, nil):
        directory.load(try self.group(GroupKey(workspace: workspace, id: GroupID(group)), row))
      case (nil, let member?):
        directory.load(try self.member(MemberKey(workspace: workspace, id: UserID(member)), row))
      case (nil, nil):
        directory.load(Int64(try row.int(3)), of: workspace)
      }
    }
    if !writeSet.alerts.isEmpty {
      // After the locks, so that events of other replicas are found.
      for row in try await transaction.query(Self.publishedAlerts, columns(writeSet.alerts)) { directory.publish(alert: try row.string(0)) }
    }
    return directory
  }

  private func columns(_ alerts: [WorkspaceAlert]) -> [PostgresValue] {
    [
      .uuidArray(alerts.map(\.workspace.uuid)), .timestampArray(alerts.map { $0.occurredAt - Self.clockTolerance }),
      .textArray(alerts.map(\.publishedID)),
    ]
  }

  /// How far the clock of identity-store may be ahead of that of the database, in seconds.
  private static let clockTolerance: TimeInterval = 3600

  private func member(_ key: MemberKey, _ row: Row) throws -> Member {
    let profile = try UserState(rawValue: row.string(4)).map { state in
      Member.Profile(
        state: state, email: try row.optionalString(5), displayName: try row.optionalString(6), role: try row.optionalString(7),
        details: try row.optionalString(11).map { Member.Details(try DirectoryMember(json: Array($0.utf8))) })
    }
    return Member(key: key, version: Int64(try row.int(3)), presence: profile.map(Presence.present) ?? .deleted)
  }

  private func group(_ key: GroupKey, _ row: Row) throws -> Group {
    let restated = try row.optionalUUID(10).map { Group.Coverage.through(UserID($0)) }
    return Group(
      key: key, position: Group.Position(version: Int64(try row.int(3)), part: try row.int(8)),
      coverage: try row.bool(9) ? .complete : restated ?? .partial,
      presence: try row.optionalString(6).map(Presence.present) ?? .deleted)
  }

  // The function is in Shared/Migrations/directory/011-event-log.sql. A function, since each of its queries sees what was committed before it
  // began: the second sees what the transactions have changed that held the locks before.
  static let statement = Statement(
    "load directory",
    """
    select
      workspace_id, group_id, member_id, version, state, email, display_name, role, part, complete, restated_through, document
    from directory.lock_and_load_documents($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    """)

  /// The alerts that are in the event log. An alert has no version that tells whether it was published, and is rare; its event is not older.
  static let publishedAlerts = Statement(
    "published alerts",
    """
    select found.id
    from unnest($1::uuid[], $2::timestamptz[], $3::text[]) as alert (workspace_id, since, id)
    cross join lateral (
      select id
      from directory.events
      where workspace_id = alert.workspace_id
      and stored_at >= alert.since
      and id = alert.id
      limit 1
    ) found
    """)
}
