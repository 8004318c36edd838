import EdgeHTTP
import Foundation
import Models
import Postgres

/// A snapshot of the directory in the database. Directory and event log are written in the same transactions, so both are equal in it.
struct StoredDirectorySnapshot: DirectorySnapshot {
  let cursor: EventCursor
  let takenAt: Date
  private let snapshot: Database.Snapshot
  /// The first and the last workspace of the scope.
  private let workspaces: (first: WorkspaceID, last: WorkspaceID)

  /// Reads the end of the event log, with which the snapshot begins.
  init(_ snapshot: Database.Snapshot, of scope: EventScope) async throws {
    let (statement, parameters): (Statement, [PostgresValue]) =
      switch scope {
      case .workspace(let workspace): (SnapshotStatements.endOfWorkspace, [.uuid(workspace.uuid)])
      case .deployment: (SnapshotStatements.end, [])
      }
    _ = try await snapshot.query(SnapshotStatements.planning, [])
    guard let row = try await snapshot.query(statement, parameters).first else { throw EventCursorGone.otherLog }
    takenAt = try row.timestamp(2)
    cursor = EventCursor(epoch: try row.uuid(0), scope: scope, number: Int64(try row.int(1)), storedSince: takenAt)
    workspaces =
      switch scope {
      case .workspace(let workspace): (workspace, workspace)
      case .deployment: (Self.smallest(), Self.largest())
      }
    self.snapshot = snapshot
  }

  func page(of part: SnapshotPart, after last: SnapshotItem?) async throws -> [SnapshotItem] {
    var parameters: [PostgresValue] = [
      .uuid((last?.workspace ?? workspaces.first).uuid), .uuid((last?.id ?? Self.smallest()).uuid), .uuid(workspaces.last.uuid),
    ]
    switch part {
    case .members: return try await snapshot.query(SnapshotStatements.members, parameters).map(Self.member)
    case .groups: return try await snapshot.query(SnapshotStatements.groups, parameters).map(Self.group)
    case .memberships:
      var lastMember: UserID = Self.smallest()
      if case .membership(let member)? = last?.content { lastMember = member }
      parameters.append(.uuid(lastMember.uuid))
      return try await snapshot.query(SnapshotStatements.memberships, parameters).map(Self.membership)
    }
  }

  /// The smallest and the largest id.
  private static func smallest<Subject>() -> Identifier<Subject> { Identifier(bytes: repeatElement(0, count: 16)) }
  private static func largest<Subject>() -> Identifier<Subject> { Identifier(bytes: repeatElement(255, count: 16)) }

  private static func member(_ row: Row) throws -> SnapshotItem {
    let id = UserID(try row.uuid(1))
    var json = try row.optionalBytes(2)
    if json == nil {
      // The row is of an earlier version, which stored only these attributes.
      json = DirectoryMember(
        id: id, email: try row.optionalString(4), displayName: try row.optionalString(5), role: try row.optionalString(6),
        state: UserState(rawValue: try row.string(3)), version: Int64(try row.int(7))
      ).json()
    }
    return SnapshotItem(workspace: WorkspaceID(try row.uuid(0)), id: id.resource, content: .member(json ?? []))
  }

  private static func group(_ row: Row) throws -> SnapshotItem {
    let id = GroupID(try row.uuid(1))
    return SnapshotItem(
      workspace: WorkspaceID(try row.uuid(0)), id: id.resource,
      content: .group(DirectoryEvent.Group(id: id, displayName: try row.string(2), version: Int64(try row.int(3)))))
  }

  private static func membership(_ row: Row) throws -> SnapshotItem {
    SnapshotItem(
      workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1)), content: .membership(UserID(try row.uuid(2))))
  }
}

/// The statements that read a snapshot. Pages are ordered by workspace and id, so each is a range of a primary key.
enum SnapshotStatements {
  /// The maximum number of rows of a page.
  private static let pageSize = 1000
  /// The maximum number of memberships of a page, which are small.
  private static let membershipPageSize = 5000

  /// Makes the server read pages in the order of an index, whatever it knows of the tables. A plan that was made while they were empty would else read
  /// and sort all rows for each page. It holds for the transaction of the snapshot, in which alone the other statements run.
  static let planning = Statement(
    "scim_api_snapshot_planning",
    """
    select
      set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true),
      set_config('max_parallel_workers_per_gather', '0', true)
    """)

  /// The end of a workspace's events. Parameters: workspace. Columns: epoch, sequence number, time.
  static let endOfWorkspace = Statement(
    "scim_api_snapshot_end_of_workspace",
    """
    select
      l.epoch, coalesce((select s.last_sequence from directory_read.event_sequences s where s.workspace_id = $1::uuid), 0), now()
    from directory_read.event_log l
    """)

  /// The end of the log. Columns: epoch, position, time.
  static let end = Statement("scim_api_snapshot_end", "select l.epoch, l.last_position, now() from directory_read.event_log l")

  /// Members after the id `$2` of the workspace `$1`, up to the last one of the workspace `$3`. A page that would be larger than a page of events
  /// is shorter.
  static let members = Statement(
    "scim_api_snapshot_members",
    """
    select workspace_id, id, document, state, email, display_name, role, version
    from (
      select p.*, sum(octet_length(p.document)) over before as bytes_before
      from (
        select m.workspace_id, m.id, m.document, m.state, m.email, m.display_name, m.role, m.version
        from directory_read.members m
        where (m.workspace_id, m.id) > ($1::uuid, $2::uuid)
        and m.workspace_id <= $3::uuid
        order by m.workspace_id, m.id
        limit \(pageSize)
      ) p
      window before as (order by p.workspace_id, p.id rows between unbounded preceding and 1 preceding)
    ) w
    where coalesce(bytes_before, 0) < \(EventStatements.maximumBytes)
    order by workspace_id, id
    """)

  /// Groups after the id `$2` of the workspace `$1`, up to the last one of the workspace `$3`.
  static let groups = Statement(
    "scim_api_snapshot_groups",
    """
    select g.workspace_id, g.id, g.display_name, g.version
    from directory_read.groups g
    where (g.workspace_id, g.id) > ($1::uuid, $2::uuid)
    and g.workspace_id <= $3::uuid
    order by g.workspace_id, g.id
    limit \(pageSize)
    """)

  /// Visible memberships after that of the member `$4` in the group `$2` of the workspace `$1`, up to the last one of the workspace `$3`.
  static let memberships = Statement(
    "scim_api_snapshot_memberships",
    """
    select m.workspace_id, m.group_id, m.member_id
    from directory_read.group_members m
    where (m.workspace_id, m.group_id, m.member_id) > ($1::uuid, $2::uuid, $4::uuid)
    and m.workspace_id <= $3::uuid
    and m.visible
    order by m.workspace_id, m.group_id, m.member_id
    limit \(membershipPageSize)
    """)
}
