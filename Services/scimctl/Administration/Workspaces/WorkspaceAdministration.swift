import Foundation
import Models
import SCIM
import ServiceKit

/// Reads and changes workspaces.
protocol WorkspaceAdministration: Sendable {
  /// The settings of this process.
  var settings: ServiceSettings { get }
  /// The workspace of commands that name none; nil if they have to name one.
  var onlyWorkspace: String? { get }

  /// All workspaces, by slug.
  func workspaces() async throws -> [WorkspaceRow]
  /// The workspace with this slug; nil if there is none.
  func findWorkspace(_ slug: String) async throws -> StoredWorkspace?
  /// Creates a workspace.
  func createWorkspace(_ settings: WorkspaceSettings) async throws -> WorkspaceID
  /// Replaces the settings of a workspace by the result of `change`.
  ///
  /// If somebody else changed the settings after they were read, they are read and changed again, so that no change is lost.
  func updateWorkspace(_ slug: String, _ change: @escaping @Sendable (WorkspaceSettings) throws(ScimctlError) -> WorkspaceSettings)
    async throws
  /// The number of users for each role of a workspace that users have.
  func usersByRole(of workspace: StoredWorkspace) async throws -> [String: Int]
}

extension WorkspaceAdministration {
  /// The workspace with this slug.
  ///
  /// - Throws: ``ScimctlError`` if there is none.
  func workspace(named slug: String) async throws -> StoredWorkspace {
    guard let workspace = try await findWorkspace(slug) else {
      throw ScimctlError(
        .notFound,
        "workspace '\(slug)' does not exist. 'scimctl workspace list' shows all workspaces, 'scimctl workspace create' creates one")
    }
    return workspace
  }

  /// The workspace of the option, else of ROLLCALL_WORKSPACE, else of the token.
  ///
  /// - Throws: ``ScimctlError`` if none is named, or there is no workspace with that slug.
  func workspace(_ option: WorkspaceOption) async throws -> StoredWorkspace {
    guard let slug = option.slug ?? settings.optionalString(.workspace) ?? onlyWorkspace else {
      throw ScimctlError(.usage, "no workspace is given. Use --workspace SLUG, or set ROLLCALL_WORKSPACE")
    }
    return try await workspace(named: slug)
  }
}

/// A workspace in the list of all workspaces, in the form of the management API.
struct WorkspaceRow: Sendable, Equatable, Codable {
  /// Whether a workspace can use SCIM.
  struct SCIMAccess: Sendable, Equatable, Codable {
    var isAvailable: Bool
    /// What is missing: `plan`, `samlSSO` or `scimEnabled`.
    var missing: String?
  }

  var id: WorkspaceID
  var slug: String
  var name: String
  var plan: String
  /// nil if the server is of an earlier version.
  var scim: SCIMAccess?
}

extension WorkspaceRow {
  /// The row of a stored workspace.
  init(_ workspace: StoredWorkspace) {
    let settings = workspace.settings
    self.init(
      id: workspace.id, slug: settings.slug, name: settings.name, plan: settings.plan.rawValue,
      scim: SCIMAccess(isAvailable: settings.scimObstacle == nil, missing: settings.scimObstacle?.missingSetting))
  }
}

extension WorkspaceSettings.SCIMObstacle {
  /// The setting that is missing, as the management API names it.
  var missingSetting: String {
    switch self {
    case .plan: "plan"
    case .samlSSO: "samlSSO"
    case .optIn: "scimEnabled"
    }
  }
}

extension StoredWorkspace {
  /// The settings in the form of the management API, with id and version.
  ///
  /// - Throws: The error of the encoder.
  func json() throws -> JSON {
    var object = try JSON(parsing: JSONData.encode(settings)).object ?? JSONObject()
    object["id"] = .string("\(id)")
    object["version"] = .integer(version)
    var scim: JSONObject = ["isAvailable": .bool(settings.scimObstacle == nil)]
    scim["missing"] = settings.scimObstacle.map { .string($0.missingSetting) }
    object["scim"] = .object(scim)
    return .object(object)
  }
}
