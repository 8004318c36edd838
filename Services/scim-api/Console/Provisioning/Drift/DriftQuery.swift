import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import SCIMStorage

/// Finds the people and groups that the identity provider has not written for long.
struct DriftQuery: Sendable {
  let database: Database

  struct Found: Sendable, Equatable {
    var id: ResourceID
    var name: String
    /// Of a person.
    var state: UserState?
    /// The day in UTC, `2026-01-31`.
    var pushedOn: String
  }

  /// Where a part of the list ends.
  struct Place: Sendable, Equatable {
    var pushedOn: String
    var id: ResourceID

    /// nil where `text` is not as ``text`` writes it.
    init?(_ text: String) {
      let parts = text.split(separator: "_", maxSplits: 1)
      guard parts.count == 2, ProvisioningText.date(ofDay: String(parts[0])) != nil, let id = ResourceID(parts[1]) else { return nil }
      self.init(pushedOn: String(parts[0]), id: id)
    }

    init(pushedOn: String, id: ResourceID) {
      self.pushedOn = pushedOn
      self.id = id
    }

    var text: String { "\(pushedOn)_\(id)" }
  }

  /// Those that were last pushed before a day, longest ago first.
  ///
  /// - Parameter day: `2026-01-31`, in UTC.
  func found(
    _ kind: ResourceKind, before day: String, after place: Place?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [Found] {
    try await database.query(
      Self.statement(of: kind),
      [
        .uuid(workspace.uuid), .text(day), .text(place?.pushedOn ?? "0001-01-01"), .uuid((place?.id ?? ResourceID(bytes: [])).uuid),
        .int(Int64(limit)),
      ], in: workspace
    ).map { row in
      Found(
        id: ResourceID(try row.uuid(0)), name: try row.string(1), state: try row.optionalString(2).flatMap(UserState.init),
        pushedOn: try row.string(3))
    }
  }

  /// How many there are, counted up to `most`.
  func count(_ kind: ResourceKind, before day: String, most: Int, in workspace: WorkspaceID) async throws -> Int {
    try await database.query(
      Self.count, [.uuid(workspace.uuid), .text(kind.rawValue), .text(day), .int(Int64(most))], in: workspace
    ).first?.int(0) ?? 0
  }

  static func statement(of kind: ResourceKind) -> Statement { kind == .user ? users : groups }

  /// - Parameters:
  ///   - type: `User` or `Group`.
  ///   - columns: name and state of it, which is called `r`.
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
