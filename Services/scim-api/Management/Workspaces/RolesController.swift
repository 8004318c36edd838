import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/roles`: the roles of a workspace, with the number of users of each. The settings change them.
struct RolesController: ManagementController {
  private let workspaces: WorkspacesQuery
  private let query: RolesQuery

  init(_ dependencies: Management.Dependencies) {
    workspaces = WorkspacesQuery(database: dependencies.database)
    query = RolesQuery(database: dependencies.database)
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("roles", use: list)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let id = context.caller.workspace
    async let users = query.usersByRole(in: id)
    let settings = try await workspaces.stored(id).settings
    let counts = try await users
    let roles = settings.roles.map { role -> JSON in
      [
        "name": .string(role), "isBuiltIn": .bool(WorkspaceSettings.builtInRoles.contains(role)),
        "isDefault": .bool(role == settings.defaultRole), "users": .number(counts[role] ?? 0),
      ]
    }
    return .management(.ok, ["roles": .array(roles)])
  }
}
