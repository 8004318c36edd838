import Models
import Postgres
import SCIM
import SCIMStorage

/// A workspace that a request with a deployment-wide token names.
package final class NamedWorkspace: Sendable {
  /// The id.
  package let id: WorkspaceID
  /// The settings.
  package let settings: WorkspaceSettings
  /// The version that ``settings`` are from.
  package let version: Int64
  /// The schemas of the workspace.
  package let schemas: ResourceSchemas

  /// A workspace with its settings.
  package init(id: WorkspaceID, settings: WorkspaceSettings, version: Int64) {
    self.id = id
    self.settings = settings
    self.version = version
    schemas = settings.schemas
  }
}

/// A cache of the workspaces that requests with deployment-wide tokens name by id or slug, at most a second old.
package final class NamedWorkspaceCache: Sendable {
  /// Reads the workspace with this id; nil if there is none.
  package typealias Read = @Sendable (WorkspaceID) async throws -> NamedWorkspace?
  /// Finds the id of the workspace with this slug; nil if there is none.
  package typealias Find = @Sendable (_ slug: String) async throws -> WorkspaceID?

  private let workspaces: ExpiringCache<WorkspaceID, NamedWorkspace>
  private let slugs: ExpiringCache<String, WorkspaceID>
  private let read: Read
  private let find: Find

  /// A cache of the workspaces in the database.
  package convenience init(_ database: Database) {
    let lookup = NamedWorkspaceLookup(database: database)
    self.init(read: lookup.workspace, find: lookup.id(ofSlug:))
  }

  /// A cache of what `read` and `find` return.
  package init(maximumEntries: Int = 10_000, read: @escaping Read, find: @escaping Find) {
    workspaces = ExpiringCache(maximumEntries: maximumEntries)
    slugs = ExpiringCache(maximumEntries: maximumEntries)
    self.read = read
    self.find = find
  }

  /// The workspace whose id or slug is `name`; nil if there is none.
  ///
  /// - Throws: the database's errors.
  package func workspace(named name: String) async throws -> NamedWorkspace? {
    if let id = WorkspaceID(name), let workspace = try await workspace(id) { return workspace }
    guard Self.isPossibleSlug(name), let id = try await slugs.value(of: name, read: { try await find(name) }) else { return nil }
    return try await workspace(id)
  }

  /// Whether `name` has the characters and the length of a slug. No query looks for other text.
  private static func isPossibleSlug(_ name: String) -> Bool {
    (1...63).contains(name.utf8.count)
      && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
  }

  private func workspace(_ id: WorkspaceID) async throws -> NamedWorkspace? {
    // The id of the deployment has no workspace; a query would find none.
    guard id != .deployment else { return nil }
    return try await workspaces.value(of: id) { try await read(id) }
  }
}

/// Reads the workspaces that requests name.
struct NamedWorkspaceLookup: Sendable {
  let database: Database

  private static let statement = Statement(
    "scim_api_named_workspace",
    """
    select w.settings::text, w.version
    from identity_read.workspaces w
    where w.id = $1
    """)

  private static let slugStatement = Statement(
    "scim_api_workspace_with_slug",
    """
    select identity_read.workspace_with_slug($1)
    """)

  func workspace(_ id: WorkspaceID) async throws -> NamedWorkspace? {
    guard let row = try await database.query(Self.statement, [.uuid(id.uuid)], in: id).first else { return nil }
    let settings: WorkspaceSettings = try JSONData.decode(from: try row.bytes(0), type: "workspace settings")
    return NamedWorkspace(id: id, settings: settings, version: Int64(try row.int(1)))
  }

  func id(ofSlug slug: String) async throws -> WorkspaceID? {
    try await database.query(Self.slugStatement, [.text(slug)]).first?.optionalUUID(0).map { WorkspaceID($0) }
  }
}
