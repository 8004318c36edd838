import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import SCIMStorage

/// Reads the users and groups that the identity provider has not written for a long time.
struct DriftQuery: Sendable {
  let database: Database

  /// A user or group with the day of the last write.
  struct Resource: Sendable, Equatable {
    var id: ResourceID
    var name: String
    /// The state of a user; nil for a group.
    var state: UserState?
    /// The day of the last write in UTC, `2026-01-31`.
    var pushedOn: String
  }

  /// The end of a page of the list.
  struct Cursor: Sendable, Equatable {
    var pushedOn: String
    var id: ResourceID

    /// nil if `text` does not have the format of ``text``.
    init?(_ text: String) {
      let components = text.split(separator: "_", maxSplits: 1)
      guard components.count == 2, UTCDay.start(of: String(components[0])) != nil, let id = ResourceID(components[1]) else { return nil }
      self.init(pushedOn: String(components[0]), id: id)
    }

    init(pushedOn: String, id: ResourceID) {
      self.pushedOn = pushedOn
      self.id = id
    }

    /// The cursor in URLs.
    var text: String { "\(pushedOn)_\(id)" }
  }

  /// The resources that were last written before a day, oldest first.
  ///
  /// - Parameter day: `2026-01-31`, in UTC.
  func resources(
    _ kind: ResourceKind, before day: String, after cursor: Cursor?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [Resource] {
    try await database.query(
      Self.statement(of: kind),
      [
        .uuid(workspace.uuid), .text(day), .text(cursor?.pushedOn ?? "0001-01-01"), .uuid((cursor?.id ?? ResourceID(bytes: [])).uuid),
        .int(Int64(limit)),
      ], in: workspace
    ).map { row in
      Resource(
        id: ResourceID(try row.uuid(0)), name: try row.string(1), state: try row.optionalString(2).flatMap(UserState.init),
        pushedOn: try row.string(3))
    }
  }

  /// The number of resources that were last written before a day, counted up to `maximum`.
  func count(_ kind: ResourceKind, before day: String, maximum: Int, in workspace: WorkspaceID) async throws -> Int {
    try await database.query(
      Self.count, [.uuid(workspace.uuid), .text(kind.rawValue), .text(day), .int(Int64(maximum))], in: workspace
    ).first?.int(0) ?? 0
  }

  /// The statement that lists resources of a kind.
  static func statement(of kind: ResourceKind) -> Statement { kind == .user ? users : groups }

  /// - Parameters:
  ///   - type: `User` or `Group`.
  ///   - columns: the name and state of the resource `r`.
  private static func statement(_ name: String, _ type: String, of view: String, _ columns: String) -> Statement {
    Statement(
      name,
      """
      select p.resource_id, \(columns), p.pushed_on::text
      from (
        select workspace_id, resource_id, pushed_on
        from identity_read.pushes
        where workspace_id = $1
        and type = '\(type)'
        and pushed_on < $2::text::date
        and (pushed_on, resource_id) > ($3::text::date, $4::uuid)
        order by pushed_on, resource_id
        limit $5
      ) p
      join \(view) r on r.workspace_id = p.workspace_id and r.id = p.resource_id
      order by p.pushed_on, p.resource_id
      """)
  }

  private static let users = statement("console_drift_users", "User", of: "identity_read.users", "r.user_name, r.state")
  private static let groups = statement("console_drift_groups", "Group", of: "identity_read.groups", "r.display_name, null::text")

  private static let count = Statement(
    "console_drift_count",
    """
    select count(*)
    from (
      select
      from identity_read.pushes
      where workspace_id = $1
      and type = $2
      and pushed_on < $3::text::date
      limit $4
    ) old
    """)
}
