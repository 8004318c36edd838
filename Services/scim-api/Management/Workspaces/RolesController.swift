import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/roles`: the roles of a workspace, with the number of users of each. The settings change them.
struct RolesController: ManagementController {
  private let query: RolesQuery

  init(_ dependencies: Management.Dependencies) {
    query = RolesQuery(database: dependencies.database)
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("roles", use: list)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let settings = context.caller.settings
    let users = try await query.usersByRole(in: context.caller.workspace)
    let roles = settings.roles.map { role -> JSON in
      [
        "name": .string(role), "isBuiltIn": .bool(WorkspaceSettings.builtInRoles.contains(role)),
        "isDefault": .bool(role == settings.defaultRole), "users": .number(users[role] ?? 0),
      ]
    }
    return .management(.ok, ["roles": .array(roles)])
  }
}
