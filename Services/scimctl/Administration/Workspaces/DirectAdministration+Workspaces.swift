import Models
import Postgres
import ServiceKit

extension DirectAdministration: WorkspaceAdministration {
  var onlyWorkspace: String? { nil }

  func workspaces() async throws -> [WorkspaceRow] {
    try await pool.query(WorkspaceQueries.workspaces).map { row in
      WorkspaceRow(
        StoredWorkspace(
          id: WorkspaceID(try row.uuid(1)), settings: try JSONData.decode(from: row.bytes(2), type: "workspace settings")))
    }
  }

  func findWorkspace(_ slug: String) async throws -> StoredWorkspace? { try await StoredWorkspace.find(slug, on: pool) }

  func createWorkspace(_ settings: WorkspaceSettings) async throws -> WorkspaceID {
    let id = WorkspaceID.made(at: .now)
    try await execute(.createWorkspace(settings), in: id)
    return id
  }

  func updateWorkspace(
    _ slug: String, _ change: @escaping @Sendable (WorkspaceSettings) throws(ScimctlError) -> WorkspaceSettings
  ) async throws {
    let settings = try await Settings.forWriting()
    try await withCommandClient(settings, pool: pool) { client in
      for attempt in 1...WorkspaceUpdate.maximumAttempts {
        let workspace = try await StoredWorkspace.named(slug, on: pool)
        let outcome = try await client.outcome(
          of: .updateWorkspace(change(workspace.settings)), in: workspace.id, expectedVersions: [workspace.version])
        // 412: the version has changed since.
        if case .refused(status: 412, _) = outcome, attempt < WorkspaceUpdate.maximumAttempts { continue }
        return try CommandClient.check(outcome)
      }
    }
  }

  func usersByRole(of workspace: StoredWorkspace) async throws -> [String: Int] {
    var users: [String: Int] = [:]
    for row in try await pool.query(WorkspaceQueries.usersByRole, [.uuid(workspace.id.uuid)]) {
      users[try row.string(0)] = try row.int(1)
    }
    return users
  }
}
