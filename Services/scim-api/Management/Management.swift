import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// The management API, `/api/v2/admin`: what an operator does with `scimctl`, over HTTP.
package struct Management: Sendable {
  /// What the management API needs from the rest of the service.
  package struct Dependencies: Sendable {
    var database: Database
    var commands: CommandClient
    var cursors: CursorSeal
    var bodies: BodyReader
    /// Whether OAuth clients can get access tokens.
    var hasOAuth: Bool
    /// Looks up the records that verify mail domains.
    var txtRecords: TXTRecords

    /// - Parameters:
    ///   - hasOAuth: whether OAuth clients can get access tokens.
    ///   - txtRecords: looks up the TXT records of a name.
    package init(
      database: Database, commands: CommandClient, cursors: CursorSeal, bodies: BodyReader, hasOAuth: Bool,
      txtRecords: @escaping TXTRecords
    ) {
      self.database = database
      self.commands = commands
      self.cursors = cursors
      self.bodies = bodies
      self.hasOAuth = hasOAuth
      self.txtRecords = txtRecords
    }
  }

  /// Returns the texts of the TXT records of a name; see `TXTResolver`.
  package typealias TXTRecords = @Sendable (_ name: String) async throws -> [String]

  private let controllers: [any ManagementController]

  /// The management API over its dependencies.
  package init(_ dependencies: Dependencies) {
    controllers = [
      WorkspacesController(dependencies),
      TokensController(dependencies),
      OAuthClientsController(dependencies),
      InvitationTemplatesController(dependencies),
      AccountsController(dependencies),
      MailDomainsController(dependencies),
    ]
  }

  /// Adds all routes to `router`. All need the scope `admin`.
  package func addRoutes(to router: Router<EdgeContext>, behind authentication: ProductAuthentication) {
    let routes = ManagementRoutes(router, behind: authentication)
    for controller in controllers { controller.addRoutes(to: routes) }
  }
}

/// The routes of one area of the management API.
protocol ManagementController: Sendable {
  /// Adds the routes to the groups of `routes`.
  func addRoutes(to routes: ManagementRoutes)
}

/// The groups of routes of the management API.
struct ManagementRoutes {
  /// `/api/v2/admin`, for deployment-wide tokens only: routes that concern no workspace.
  let deployment: RouterGroup<CallerContext>
  /// `/api/v2/admin`, for all tokens. A deployment-wide token's caller has the workspace ``WorkspaceID/deployment``, unless a header names
  /// another.
  let all: RouterGroup<CallerContext>
  /// `/api/v2/admin/workspaces/{workspace}`: routes that concern one workspace, which is that of the caller.
  let workspace: RouterGroup<CallerContext>

  init(_ router: Router<EdgeContext>, behind authentication: ProductAuthentication) {
    func group(_ path: String, _ requirement: WorkspaceRequirement) -> RouterGroup<CallerContext> {
      router.group(RouterPath(path)).addMiddleware {
        NoStoreMiddleware()
        authentication.middleware(.admin, requirement)
      }.group(context: CallerContext.self)
    }
    deployment = group(ResourcePath.admin, .deployment)
    all = group(ResourcePath.admin, .oneOrAll)
    workspace = group("\(ResourcePath.admin)/workspaces/{\(ResourcePath.workspace)}", .one)
  }
}

/// Forbids caches to store responses, which contain secrets and personal data (RFC 9111 §5.2.2.5).
struct NoStoreMiddleware: RouterMiddleware {
  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    response.headers[.cacheControl] = "no-store"
    return response
  }
}
