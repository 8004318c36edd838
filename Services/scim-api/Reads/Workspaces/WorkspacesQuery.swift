import EdgeHTTP
import Foundation
import Models
import Postgres

/// A workspace with its settings, as it is stored.
package struct DetailedWorkspace: Sendable {
  /// The id.
  package var id: WorkspaceID
  /// The settings.
  package var settings: WorkspaceSettings
  /// The version of the settings, counted from 1.
  package var version: Int64
  /// When it was created.
  package var createdAt: Date
  /// When the settings were last changed.
  package var modifiedAt: Date

  /// A workspace with its settings.
  package init(id: WorkspaceID, settings: WorkspaceSettings, version: Int64, createdAt: Date, modifiedAt: Date) {
    self.id = id
    self.settings = settings
    self.version = version
    self.createdAt = createdAt
    self.modifiedAt = modifiedAt
  }
}

/// A workspace in the list of all workspaces.
package struct ListedWorkspace: Sendable, Equatable {
  /// The id.
  package var id: WorkspaceID
  /// The slug.
  package var slug: String
  /// The display name.
  package var name: String
  /// The plan.
  package var plan: String
  /// When it was created.
  package var createdAt: Date

  /// A row of the list.
  package init(id: WorkspaceID, slug: String, name: String, plan: String, createdAt: Date) {
    self.id = id
    self.slug = slug
    self.name = name
    self.plan = plan
    self.createdAt = createdAt
  }
}

/// Reads workspaces and their settings.
package struct WorkspacesQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// A workspace; nil if there is none with this id.
  package func workspace(_ id: WorkspaceID) async throws -> DetailedWorkspace? {
    guard let row = try await database.query(Self.one, [.uuid(id.uuid)], in: id).first else { return nil }
    return DetailedWorkspace(
      id: id, settings: try JSONData.decode(from: try row.bytes(0), type: "workspace settings"), version: Int64(try row.int(1)),
      createdAt: try row.timestamp(2), modifiedAt: try row.timestamp(3))
  }

  /// The workspaces of the deployment, by slug. Only callers with a deployment-wide token may see them.
  ///
  /// - Parameter slug: the last slug of the previous page; nil for the first page.
  package func workspaces(after slug: String?, limit: Int) async throws -> [ListedWorkspace] {
    try await database.query(Self.list, [.text(slug ?? ""), .int(Int64(limit))]).map { row in
      ListedWorkspace(
        id: WorkspaceID(try row.uuid(0)), slug: try row.string(1), name: try row.string(2), plan: try row.string(3),
        createdAt: try row.timestamp(4))
    }
  }

  /// The settings of a page of workspaces. Row-level security shows a statement one workspace only, so they are read one by one, but at the
  /// same time.
  package func settings(of ids: [WorkspaceID]) async throws -> [WorkspaceID: WorkspaceSettings] {
    try await withThrowingTaskGroup(of: DetailedWorkspace?.self) { group in
      for id in ids { group.addTask { try await workspace(id) } }
      var settings: [WorkspaceID: WorkspaceSettings] = [:]
      for try await found in group {
        if let found { settings[found.id] = found.settings }
      }
      return settings
    }
  }

  private static let one = Statement(
    "scim_api_workspace",
    """
    select settings::text, version, created_at, modified_at
    from identity_read.workspaces
    where id = $1
    """)

  private static let list = Statement(
    "scim_api_workspaces",
    """
    select id, slug, name, plan, created_at
    from identity_read.workspaces_by_slug($1, $2::int8)
    """)
}
