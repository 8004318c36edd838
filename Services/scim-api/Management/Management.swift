import Credentials
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
    /// Encrypts the secrets of webhooks; nil if the deployment has no key for it.
    var webhookSeal: WebhookSeal?
    /// Looks up the records that verify mail domains.
    var txtRecords: TXTRecords

    /// - Parameters:
    ///   - hasOAuth: whether OAuth clients can get access tokens.
    ///   - webhookSeal: encrypts the secrets of webhooks; nil if the deployment has no key for it.
    ///   - txtRecords: looks up the TXT records of a name.
    package init(
      database: Database, commands: CommandClient, cursors: CursorSeal, bodies: BodyReader, hasOAuth: Bool, webhookSeal: WebhookSeal? = nil,
      txtRecords: @escaping TXTRecords
    ) {
      self.webhookSeal = webhookSeal
      self.database = database
      self.commands = commands
      self.cursors = cursors
      self.bodies = bodies
      self.hasOAuth = hasOAuth
      self.txtRecords = txtRecords
    }
  }

  /// The maximum numbers of writes in flight. They are rare, and share identity-store with the identity providers' writes.
  static let writeLimits = ConcurrencyLimit.Limits(all: 200, perWorkspace: 20, perToken: 100)

  private let controllers: [any ManagementController]
  private let writesInFlight = ConcurrencyLimit(Self.writeLimits, what: "writes through the management API")

  /// The management API over its dependencies.
  package init(_ dependencies: Dependencies) {
    controllers = [
      WorkspacesController(dependencies),
      WorkspaceDeletionsController(dependencies),
      WorkspaceTransfersController(dependencies),
      TokensController(dependencies),
      OAuthClientsController(dependencies),
      InvitationTemplatesController(dependencies),
      MembersAPIController(dependencies),
      ErasuresAPIController(dependencies),
      InvitationsAPIController(dependencies),
      GroupsAPIController(dependencies),
      HeldChangesAPIController(dependencies),
      ProvisioningLogAPIController(dependencies),
      AuditAPIController(dependencies),
      ReceiptsAPIController(dependencies),
      RebuildsAPIController(dependencies),
      HealthAPIController(dependencies),
      WebhooksAPIController(dependencies),
      WebhookDeliveriesAPIController(dependencies),
      AccountsController(dependencies),
      MailDomainsController(dependencies),
      IDsAPIController(dependencies),
      DirectoryAPIController(dependencies),
      RolesController(dependencies),
      ConsoleAccessController(dependencies),
    ]
  }

  /// Adds all routes to `router`. All need the scope `admin`.
  ///
  /// - Parameter replays: sends logged requests again.
  package func addRoutes(to router: Router<EdgeContext>, behind authentication: ProductAuthentication, replays: EntryReplays) {
    let routes = ManagementRoutes(
      router, behind: authentication, limit: WriteLimitMiddleware(inFlight: writesInFlight), replays: replays)
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

  /// Sends logged requests again.
  let replays: EntryReplays

  init(_ router: Router<EdgeContext>, behind authentication: ProductAuthentication, limit: WriteLimitMiddleware, replays: EntryReplays) {
    self.replays = replays
    func group(_ path: String, _ requirement: WorkspaceRequirement) -> RouterGroup<CallerContext> {
      router.group(RouterPath(path)).addMiddleware {
        authentication.middleware(.admin, requirement)
        limit
      }.group(context: CallerContext.self)
    }
    deployment = group(ResourcePath.admin, .deployment)
    all = group(ResourcePath.admin, .oneOrAll)
    workspace = group("\(ResourcePath.admin)/workspaces/{\(ResourcePath.workspace)}", .one)
  }
}

/// Limits the writes in flight of authenticated callers: in total, per workspace and per token.
struct WriteLimitMiddleware: RouterMiddleware {
  let inFlight: ConcurrencyLimit

  /// Passes the request on, or throws 429 or 503.
  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    guard let caller = context.caller, request.method != .get, request.method != .head else { return try await next(request, context) }
    return try await inFlight.withPlace(of: caller) { try await next(request, context) }
  }
}
