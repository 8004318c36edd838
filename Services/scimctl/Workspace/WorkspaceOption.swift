import ArgumentParser
import Models
import Postgres
import ServiceKit

/// Which workspace a command is about.
struct WorkspaceOption: ParsableArguments {
  @Option(name: [.customLong("workspace"), .customShort("w")], help: "The workspace's slug. (default: ROLLCALL_WORKSPACE)")
  var slug: String?

  /// The chosen workspace.
  ///
  /// - Throws: ``Failure`` where none was chosen, or there is none of that slug; `PostgresError`.
  func resolve(_ settings: ServiceSettings, on pool: PostgresPool) async throws -> KnownWorkspace {
    guard let slug = slug ?? settings.optionalString(.workspace) else {
      throw Failure(.usage, "which workspace? Give --workspace SLUG, or set ROLLCALL_WORKSPACE")
    }
    return try await KnownWorkspace.named(slug, on: pool)
  }
}

/// Which workspaces a command is about: one, or all.
struct WorkspacesOption: ParsableArguments {
  @Option(
    name: [.customLong("workspace"), .customShort("w")],
    help: "The workspace's slug. (default: ROLLCALL_WORKSPACE; without it, every workspace)")
  var slug: String?

  /// The chosen workspaces, by slug.
  ///
  /// - Throws: ``Failure`` where there is none of that slug; `PostgresError`.
  func resolve(_ settings: ServiceSettings, on pool: PostgresPool) async throws -> [KnownWorkspace] {
    if let slug = slug ?? settings.optionalString(.workspace) { return [try await KnownWorkspace.named(slug, on: pool)] }
    return try await pool.query(Queries.workspaces).map { row in
      KnownWorkspace(
        id: WorkspaceID(try row.uuid(1)), settings: try JSONData.decode(from: row.bytes(2), type: "workspace settings"))
    }
  }
}

/// A workspace that is there.
struct KnownWorkspace: Sendable, Equatable {
  var id: WorkspaceID
  var settings: WorkspaceSettings
  var version: Int64 = 1

  /// - Throws: ``Failure`` where there is none.
  static func named(_ slug: String, on pool: PostgresPool) async throws -> KnownWorkspace {
    guard let workspace = try await find(slug, on: pool) else {
      throw Failure(
        .notFound,
        "there is no workspace '\(slug)'. 'scimctl workspace list' shows those there are, 'scimctl workspace create' makes one")
    }
    return workspace
  }

  /// nil where there is none.
  static func find(_ slug: String, on pool: PostgresPool) async throws -> KnownWorkspace? {
    guard let row = try await pool.query(Queries.workspaceBySlug, [.text(slug)]).first else { return nil }
    return KnownWorkspace(
      id: WorkspaceID(try row.uuid(0)), settings: try JSONData.decode(from: row.bytes(1), type: "workspace settings"),
      version: Int64(try row.int(2)))
  }
}
