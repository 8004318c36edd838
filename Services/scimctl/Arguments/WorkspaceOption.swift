import ArgumentParser
import Models
import Postgres
import ServiceKit

/// The option `--workspace` of commands for one workspace.
struct WorkspaceOption: ParsableArguments {
  @Option(name: [.customLong("workspace"), .customShort("w")], help: "The workspace's slug. (default: ROLLCALL_WORKSPACE)")
  var slug: String?

  /// Finds the workspace of the option, else of ROLLCALL_WORKSPACE.
  ///
  /// - Throws: ``ScimctlError`` if neither is set, or there is no workspace with that slug; `PostgresError`.
  func resolve(_ settings: ServiceSettings, on pool: PostgresPool) async throws -> StoredWorkspace {
    guard let slug = slug ?? settings.optionalString(.workspace) else {
      throw ScimctlError(.usage, "no workspace is given. Use --workspace SLUG, or set ROLLCALL_WORKSPACE")
    }
    return try await StoredWorkspace.named(slug, on: pool)
  }
}

/// The option `--workspace` of commands for one workspace or all of them.
struct WorkspacesOption: ParsableArguments {
  @Option(
    name: [.customLong("workspace"), .customShort("w")],
    help: "The workspace's slug. (default: ROLLCALL_WORKSPACE; if neither is set, all workspaces)")
  var slug: String?

  /// Whether no workspace is named, so that all are selected.
  func selectsAll(_ administration: any Administration) -> Bool {
    slug == nil && administration.settings.optionalString(.workspace) == nil && administration.onlyWorkspace == nil
  }

  /// Finds the selected workspaces, by slug.
  ///
  /// - Throws: ``ScimctlError`` if there is no workspace with that slug.
  func resolve(_ administration: any Administration) async throws -> [StoredWorkspace] {
    if let slug = slug ?? administration.settings.optionalString(.workspace) ?? administration.onlyWorkspace {
      return [try await administration.workspace(named: slug)]
    }
    var found: [StoredWorkspace] = []
    for row in try await administration.workspaces() {
      // One that was renamed a moment ago is left out.
      if let workspace = try await administration.findWorkspace(row.slug) { found.append(workspace) }
    }
    return found
  }

  /// Finds the selected workspaces, by slug.
  ///
  /// - Throws: ``ScimctlError`` if there is no workspace with that slug; `PostgresError`.
  func resolve(_ settings: ServiceSettings, on pool: PostgresPool) async throws -> [StoredWorkspace] {
    if let slug = slug ?? settings.optionalString(.workspace) { return [try await StoredWorkspace.named(slug, on: pool)] }
    return try await pool.query(WorkspaceQueries.workspaces).map { row in
      StoredWorkspace(
        id: WorkspaceID(try row.uuid(1)), settings: try JSONData.decode(from: row.bytes(2), type: "workspace settings"))
    }
  }
}

/// A workspace in the database.
struct StoredWorkspace: Sendable, Equatable {
  var id: WorkspaceID
  var settings: WorkspaceSettings
  /// The version of the settings.
  var version: Int64 = 1

  /// Finds a workspace by its slug.
  ///
  /// - Throws: ``ScimctlError`` if there is none; `PostgresError`.
  static func named(_ slug: String, on pool: PostgresPool) async throws -> StoredWorkspace {
    guard let workspace = try await find(slug, on: pool) else {
      throw ScimctlError(
        .notFound,
        "workspace '\(slug)' does not exist. 'scimctl workspace list' shows all workspaces, 'scimctl workspace create' creates one")
    }
    return workspace
  }

  /// Finds a workspace by its slug; nil if there is none.
  static func find(_ slug: String, on pool: PostgresPool) async throws -> StoredWorkspace? {
    guard let row = try await pool.query(WorkspaceQueries.workspaceBySlug, [.text(slug)]).first else { return nil }
    return StoredWorkspace(
      id: WorkspaceID(try row.uuid(0)), settings: try JSONData.decode(from: row.bytes(1), type: "workspace settings"),
      version: Int64(try row.int(2)))
  }
}
