import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads pending and decided held changes.
package struct HeldChangesQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// A held change.
  package struct Change: Sendable, Equatable {
    /// The id.
    package var id: HeldChangeID
    /// The id of the user or group.
    package var resource: ResourceID
    /// What is held.
    package var kind: HeldChangeKind
    /// The name of the user or group; nil once a user is deleted.
    package var name: String?
    /// The number of members of the group.
    package var members: Int?
    /// The number of members who would leave.
    package var leaving: Int
    /// The names of the first members who would leave.
    package var leavers: [String]
    /// The actor of the command.
    package var requestedBy: String
    /// The name of the token that requested the change.
    package var token: String?
    /// When the change was held.
    package var heldAt: Date
    /// When the change was last requested.
    package var requestedAt: Date
    /// `pending`, `approved`, `rejected` or `superseded`.
    package var status: String
    /// Who decided.
    package var decidedBy: String?
    /// When it was decided or superseded.
    package var decidedAt: Date?
    /// Whether the user or group exists.
    package var exists: Bool
  }

  /// The mail about a held change to the administrator.
  package struct Notice: Sendable, Equatable {
    /// The state of the mail; nil if it is sent together with others later.
    package var state: String?
    /// When the state last changed.
    package var changedAt: Date?
    /// The answer of the mail server.
    package var answer: String?
  }

  /// The mail to the administrator about a held change; nil if invitation-mailer has not received the event yet.
  package func notice(of id: HeldChangeID, in workspace: WorkspaceID) async throws -> Notice? {
    try await database.query(Self.noticeStatement, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map { row in
      Notice(state: try row.optionalString(0), changedAt: try row.optionalTimestamp(1), answer: try row.optionalString(2))
    }
  }

  private static let noticeStatement = Statement(
    "scim_api notice of a held change",
    """
    select state, changed_at, answer
    from mailer_read.held_changes
    where workspace_id = $1
    and id = $2
    """)

  /// The maximum number of names in `leavers`.
  package static let maximumLeavers = 100

  /// The pending changes, newest first.
  package func pending(after last: HeldChangeID?, limit: Int, in workspace: WorkspaceID) async throws -> [Change] {
    try await changes(
      Self.pending, [.uuid((last ?? Self.end).uuid), .int(Int64(limit)), .int(Int64(Self.maximumLeavers))], in: workspace)
  }

  /// The decided and superseded changes, newest first.
  package func decided(after last: HeldChangeID? = nil, limit: Int, in workspace: WorkspaceID) async throws -> [Change] {
    try await changes(Self.decided, [.uuid((last ?? Self.end).uuid), .int(Int64(limit)), .int(Int64(0))], in: workspace)
  }

  /// The number of pending changes, counted up to `maximum`.
  package func pendingCount(upTo maximum: Int, in workspace: WorkspaceID) async throws -> Int {
    try await database.query(Self.pendingCount, [.uuid(workspace.uuid), .int(Int64(maximum))], in: workspace).first?.int(0) ?? 0
  }

  /// A held change; nil if it does not exist.
  package func change(_ id: HeldChangeID, in workspace: WorkspaceID) async throws -> Change? {
    try await changes(Self.one, [.uuid(id.uuid), .int(Int64(Self.maximumLeavers))], in: workspace).first
  }

  private static let end = HeldChangeID(bytes: Array(repeating: 0xFF, count: 16))

  private func changes(_ statement: Statement, _ parameters: [PostgresValue], in workspace: WorkspaceID) async throws -> [Change] {
    try await database.query(statement, [.uuid(workspace.uuid)] + parameters, in: workspace).compactMap { row in
      // Changes of kinds that later versions introduce cannot be decided here.
      guard let kind = HeldChangeKind(rawValue: try row.string(2)) else { return nil }
      return Change(
        id: HeldChangeID(try row.uuid(0)), resource: ResourceID(try row.uuid(1)), kind: kind, name: try row.optionalString(3),
        members: try row.optionalInt(4), leaving: try row.int(5), leavers: try row.textArray(6), requestedBy: try row.string(7),
        token: try row.optionalString(8), heldAt: try row.timestamp(9), requestedAt: try row.timestamp(10), status: try row.string(11),
        decidedBy: try row.optionalString(12), decidedAt: try row.optionalTimestamp(13), exists: try row.bool(14))
    }
  }

  /// - Parameters:
  ///   - found: a query for the ids of changes.
  ///   - leavers: the parameter with the maximum number of names.
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

  private static let pendingCount = Statement(
    "console_held_count",
    """
    select count(*)
    from (
      select
      from identity_read.held_changes
      where workspace_id = $1
      and status = 'pending'
      limit $2
    ) pending
    """)

  private static let pending = statement(
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
      and held_changes.id < $2
      order by id desc
      limit $3
    ) ended
    order by ended.id desc
    limit $3
    """, leavers: "$4")

  private static let one = statement("console_held_one", "select $2::uuid as id", leavers: "$3")
}
