import Models
import SCIM

extension ServerAdministration: WorkspaceAdministration {
  var onlyWorkspace: String? { client.server.workspace.map { "\($0)" } }

  func workspaces() async throws -> [WorkspaceRow] {
    try await client.list(of: WorkspaceRow.self, .admin("workspaces"), "workspaces").items
  }

  func findWorkspace(_ slug: String) async throws -> StoredWorkspace? {
    do {
      let response = try await client.response(to: ManagementRequest(.get, .workspace(slug)))
      let body: WorkspaceBody = try response.decoded(as: "workspace")
      return StoredWorkspace(id: body.id, settings: try response.decoded(as: "settings of a workspace"), version: body.version)
    } catch let problem as ServerProblem {
      guard problem.status == 404, problem.kind == "unknown-workspace" else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }

  /// The members of a workspace besides its settings.
  private struct WorkspaceBody: Decodable {
    var id: WorkspaceID
    var version: Int64
  }

  func createWorkspace(_ settings: WorkspaceSettings) async throws -> WorkspaceID {
    var body = try JSON(parsing: JSONData.encode(settings)).object ?? JSONObject()
    // Mail domains have routes of their own.
    body["mailDomains"] = Optional<JSON>.none
    let created: WorkspaceBody = try await client.post(.admin("workspaces"), body).decoded(as: "workspace")
    return created.id
  }

  func updateWorkspace(
    _ slug: String, _ change: @escaping @Sendable (WorkspaceSettings) throws(ScimctlError) -> WorkspaceSettings
  ) async throws {
    var attempt = 1
    while true {
      let workspace = try await workspace(named: slug)
      let changed = try change(workspace.settings)
      let patch = MergePatch.difference(
        from: try JSON(parsing: JSONData.encode(workspace.settings)), to: try JSON(parsing: JSONData.encode(changed)))
      var request = ManagementRequest(.patch, .workspace("\(workspace.id)"), json: patch.object ?? JSONObject())
      request.contentType = "application/merge-patch+json"
      request.headers = [(name: "if-match", value: "\"\(workspace.version)\"")]
      do {
        _ = try await client.response(to: request)
        return
      } catch let problem as ServerProblem {
        // 412: the version has changed since.
        guard problem.status == 412, attempt < WorkspaceUpdate.maximumAttempts else {
          throw ScimctlError(problem, from: client.server.site)
        }
      }
      attempt += 1
    }
  }

  func usersByRole(of workspace: StoredWorkspace) async throws -> [String: Int] {
    struct Body: Decodable {
      struct Role: Decodable {
        var name: String
        var users: Int
      }
      var roles: [Role]
    }
    let body: Body = try await client.get(.workspace("\(workspace.id)", "roles")).decoded(as: "list of roles")
    var users: [String: Int] = [:]
    for role in body.roles where role.users > 0 { users[role.name] = role.users }
    return users
  }
}

/// JSON merge patches (RFC 7396).
enum MergePatch {
  /// The patch that changes `old` to `new`.
  static func difference(from old: JSON, to new: JSON) -> JSON {
    guard let former = old.object, let present = new.object else { return new }
    var patch = JSONObject()
    for member in present where former[member.key] != member.value {
      patch[member.key] = former[member.key].map { difference(from: $0, to: member.value) } ?? member.value
    }
    for member in former where present[member.key] == nil { patch[member.key] = JSON.null }
    return .object(patch)
  }
}
