import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres

/// Reads the changes that wait for approval, or waited.
struct HeldQuery: Sendable {
  let database: Database

  struct Change: Sendable, Equatable {
    var id: HeldChangeID
    var resource: ResourceID
    var kind: HeldChangeKind
    /// nil once the person is deleted.
    var name: String?
    /// How many members the group had.
    var members: Int?
    var leaving: Int
    /// The first of those who would leave, by their names.
    var leavers: [String]
    var requestedBy: String
    /// The name of the token.
    var token: String?
    var heldAt: Date
    var askedAt: Date
    var status: String
    var decidedBy: String?
    var decidedAt: Date?
    /// Whether the user or group is there.
    var isThere: Bool
  }

  /// How many names are read of those who would leave.
  static let maximumLeavers = 100

  /// Those that wait, the latest first.
  func waiting(after last: HeldChangeID?, limit: Int, in workspace: WorkspaceID) async throws -> [Change] {
    try await changes(
      Self.waiting, [.uuid((last ?? Self.end).uuid), .int(Int64(limit)), .int(Int64(Self.maximumLeavers))], in: workspace)
  }

  /// The latest of those that wait no more.
  func decided(limit: Int, in workspace: WorkspaceID) async throws -> [Change] {
    try await changes(Self.decided, [.int(Int64(limit)), .int(Int64(0))], in: workspace)
  }

  func change(_ id: HeldChangeID, in workspace: WorkspaceID) async throws -> Change? {
    try await changes(Self.one, [.uuid(id.uuid), .int(Int64(Self.maximumLeavers))], in: workspace).first
  }

  private static let end = HeldChangeID(bytes: Array(repeating: 0xFF, count: 16))

  private func changes(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> [Change] {
    try await database.query(statement, [.uuid(workspace.uuid)] + parameters, in: workspace).compactMap { row in
      // A kind that a newer build has brought cannot be decided here.
      guard let kind = HeldChangeKind(rawValue: try row.string(2)) else { return nil }
      return Change(
        id: HeldChangeID(try row.uuid(0)), resource: ResourceID(try row.uuid(1)), kind: kind, name: try row.optionalString(3),
        members: try row.optionalInt(4), leaving: try row.int(5), leavers: try row.textArray(6), requestedBy: try row.string(7),
        token: try row.optionalString(8), heldAt: try row.timestamp(9), askedAt: try row.timestamp(10), status: try row.string(11),
        decidedBy: try row.optionalString(12), decidedAt: try row.optionalTimestamp(13), isThere: try row.bool(14))
    }
  }

  /// - Parameters:
  ///   - found: picks ids of changes.
  ///   - leavers: the parameter that says how many names there are to be.
  private static func statement(_ name: String, _ found: String, leavers: String) -> Statement {
    Statement(
      name,
      """
      select
        h.id, h.resource_id, h.kind, h.name, h.members, cardinality(h.leaving),
        array(
          select coalesce(u.user_name, leaver::text)
          from unnest(h.leaving[1:\(leavers)::int8::int]) as leaver
          left join identity_read.users u on u.workspace_id = $1 and u.id = leaver
          order by 1
        ),
        h.requested_by, t.name, h.held_at, h.asked_at, h.status, h.decided_by, h.decided_at,
        exists (select from identity_read.users u where u.workspace_id = $1 and u.id = h.resource_id)
          or exists (select from identity_read.groups g where g.workspace_id = $1 and g.id = h.resource_id)
      from (
        \(found)
      ) found
      join identity_read.held_changes h on h.workspace_id = $1 and h.id = found.id
      left join identity_read.tokens t on t.workspace_id = $1
        and t.id = case when h.requested_by ~ '^(token|client):' then split_part(h.requested_by, ':', 2)::uuid end
      order by h.id desc
      """)
  }

  private static let waiting = statement(
    "console_held_pending",
    """
    select id
    from identity_read.held_changes
    where workspace_id = $1
    and status = 'pending'
    and id < $2
    order by id desc
    limit $3
    """, leavers: "$4")

  private static let decided = statement(
    "console_held_decided",
    """
    select ended.id
    from unnest(array['approved', 'rejected', 'superseded']) as status
    cross join lateral (
      select id
      from identity_read.held_changes
      where workspace_id = $1
      and held_changes.status = status.status
      order by id desc
      limit $2
    ) ended
    order by ended.id desc
    limit $2
    """, leavers: "$3")

  private static let one = statement("console_held_one", "select $2::uuid as id", leavers: "$3")
}
