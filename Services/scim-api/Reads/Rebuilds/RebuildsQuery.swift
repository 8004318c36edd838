import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the rebuilds of single workspaces.
package struct RebuildsQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The rebuilds of a workspace before `last`, newest first.
  ///
  /// - Parameter last: the time and the id of the last rebuild of the previous page.
  package func rebuilds(
    before last: (requestedAt: Date, id: CommandID)?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [StoredRebuild] {
    try await database.query(
      Self.list,
      [
        .uuid(workspace.uuid), .timestamp(last?.requestedAt ?? .distantFuture), .uuid(last?.id.uuid ?? Self.last), .int(Int64(limit)),
      ], in: workspace
    ).map(StoredRebuild.init)
  }

  /// A rebuild; nil if it does not exist.
  package func rebuild(_ id: CommandID, in workspace: WorkspaceID) async throws -> StoredRebuild? {
    try await database.query(Self.one, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map(StoredRebuild.init)
  }

  /// The rebuild that is not finished; nil if there is none.
  package func unfinished(in workspace: WorkspaceID) async throws -> StoredRebuild? {
    try await database.query(Self.unfinished, [.uuid(workspace.uuid)], in: workspace).first.map(StoredRebuild.init)
  }

  /// The commands that publish a group with its members again, each of a bounded size.
  package func parts(of group: GroupID, in workspace: WorkspaceID) async throws -> [Restatement] {
    let rows = try await database.search(
      Self.cuts, [.uuid(workspace.uuid), .uuid(group.uuid), .int(Int64(GroupChanged.maximumMembersPerEvent))], in: workspace)
    var plan = RestatementPlan()
    for row in rows { plan.add(group, cuts: try row.uuidArray(1).map { UserID($0) }, count: try row.int(0)) }
    return plan.pieces
  }

  /// Whether the workspace has or had a user with this id, or the directory has one.
  package func knows(_ user: UserID, in workspace: WorkspaceID) async throws -> Bool {
    try await database.query(Self.knownUser, [.uuid(workspace.uuid), .uuid(user.uuid)], in: workspace).first?.bool(0) ?? false
  }

  /// Whether the workspace has or had a group with this id, or the directory has one.
  package func knows(_ group: GroupID, in workspace: WorkspaceID) async throws -> Bool {
    try await database.query(Self.knownGroup, [.uuid(workspace.uuid), .uuid(group.uuid)], in: workspace).first?.bool(0) ?? false
  }

  private static let knownUser = known("user", in: "users", "members", type: "User")
  private static let knownGroup = known("group", in: "groups", "groups", type: "Group")

  private static func known(_ name: String, in stored: String, _ kept: String, type: String) -> Statement {
    Statement(
      "management known \(name)",
      """
      select exists (select from identity_read.\(stored) where workspace_id = $1 and id = $2)
      or exists (select from identity_read.tombstones where workspace_id = $1 and id = $2 and type = '\(type)')
      or exists (select from directory_read.\(kept) where workspace_id = $1 and id = $2)
      """)
  }

  /// The number of members of a group, and every `$3`th of them.
  private static let cuts = Statement(
    "management group cuts",
    """
    select count(*), coalesce(array_agg(user_id order by user_id) filter (where number % $3::int8 = 0), '{}')
    from (
      select user_id, row_number() over (order by user_id) as number
      from identity_read.memberships
      where workspace_id = $1
      and group_id = $2
    ) as numbered
    """)

  /// The highest id.
  private static let last = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))

  private static let columns = "id, invitations, reason, requested_at, stage, is_running, finished_at"

  private static let list = Statement(
    "workspace rebuilds",
    """
    select \(columns)
    from identity_read.workspace_rebuilds
    where workspace_id = $1
    -- Times in cursors have millisecond precision, as those that identity-store sets.
    and (requested_at, id) < ($2::timestamptz, $3::uuid)
    order by requested_at desc, id desc
    limit $4::int8
    """)

  private static let one = Statement(
    "workspace rebuild",
    """
    select \(columns)
    from identity_read.workspace_rebuilds
    where workspace_id = $1
    and id = $2
    """)

  private static let unfinished = Statement(
    "unfinished workspace rebuild",
    """
    select \(columns)
    from identity_read.workspace_rebuilds
    where workspace_id = $1
    and finished_at is null
    """)
}

/// A rebuild of one workspace.
package struct StoredRebuild: Sendable, Equatable {
  /// The id of the command that requested it.
  package var id: CommandID
  /// Which missing invitations are created.
  package var invitations: Restatement.Invitations
  /// Who requested it, or why.
  package var reason: String
  /// When it was requested.
  package var requestedAt: Date
  /// What is being published: `workspace`, `users` or `groups`; nil if it has not started or is finished.
  package var stage: String?
  /// When it was finished.
  package var finishedAt: Date?

  /// The state of a rebuild.
  package enum State: String, Sendable {
    /// It has not started.
    case waiting
    /// It is being executed.
    case running
    /// All has been published.
    case finished
  }

  /// The state.
  package var state: State { finishedAt != nil ? .finished : stage == nil ? .waiting : .running }
}

extension StoredRebuild {
  fileprivate init(_ row: Row) throws {
    let (isRunning, finishedAt) = (try row.bool(5), try row.optionalTimestamp(6))
    self.init(
      id: CommandID(try row.uuid(0)), invitations: Restatement.Invitations(rawValue: try row.string(1)) ?? .none,
      reason: try row.string(2), requestedAt: try row.timestamp(3), stage: isRunning && finishedAt == nil ? try row.string(4) : nil,
      finishedAt: finishedAt)
  }
}
