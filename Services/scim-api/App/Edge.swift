import AdminConsole
import EdgeHTTP
import EdgeReads
import Hummingbird
import ManagementAPI
import Models
import ProductAPI
import SCIMControllers

/// The HTTP application without the server: controllers, and the middleware in front of them.
struct Edge: Sendable {
  let authenticator: Authenticator
  let sites: Sites
  let limits: RateLimits
  let activeWorkspaces: ActiveWorkspaces
  let uses: TokenUseLog
  let bodies: BodyReader
  /// The requests to send to the provisioning log.
  var log = LogBuffer()
  let scim: SCIMRoutes
  let signIns: SignInController
  let mailEvents: MailEventController
  let directory: DirectoryController
  let events: EventsController
  let oauth: OAuthController
  /// The workspaces that requests with deployment-wide tokens name.
  let workspaces: NamedWorkspaceCache
  let management: Management
  /// nil if this replica serves no console.
  var console: Console?

  /// The responder to all requests.
  func responder() -> RouterResponder<EdgeContext> { router().buildResponder() }

  /// The router, with all middleware and routes.
  func router() -> Router<EdgeContext> {
    let routes = Router(context: EdgeContext.self)
    addRoutes(to: routes)
    let router = Router(context: EdgeContext.self)
    let renderers: [any ErrorRenderer] = [oauth, ProblemRenderer()] + (console.map { [$0] } ?? [])
    let known: [any KnownCredentials] = [authenticator] + (console.map { [$0] } ?? [])
    // As one middleware of a static type, they cost less per request than as five.
    router.addMiddleware {
      RequestLoggingMiddleware(log: log)
      ErrorMiddleware(allowed: AllowedMethods(routes), renderers: renderers)
      UnauthenticatedRateLimitMiddleware(
        sites: sites, limits: limits, authenticator: authenticator, known: known,
        publicPaths: OAuthController.publicPaths.union([OpenAPIController.path]).union(console?.publicPaths ?? []))
      RequestFramingMiddleware(maximumBody: bodies.maximum)
      URLLengthMiddleware()
    }
    addRoutes(to: router)
    return router
  }

  /// The responder to recorded requests of identity providers that the console replays.
  func replayResponder() -> RouterResponder<EdgeContext> {
    func authentication(_ scope: TokenScope) -> ReplayAuthenticationMiddleware {
      ReplayAuthenticationMiddleware(limits: limits, scope: scope)
    }
    let routes = Router(context: EdgeContext.self)
    addReplayedRoutes(to: routes, behind: authentication)
    let router = Router(context: EdgeContext.self)
    router.addMiddleware {
      RequestLoggingMiddleware(log: log)
      ErrorMiddleware(allowed: AllowedMethods(routes))
      URLLengthMiddleware()
    }
    addReplayedRoutes(to: router, behind: authentication)
    return router.buildResponder()
  }

  private func addRoutes(to router: Router<EdgeContext>) {
    scim.addRoutes(to: router, behind: authentication(.scim))
    func product(_ scope: TokenScope, _ requirement: WorkspaceRequirement = .one) -> RouterGroup<CallerContext> {
      router.group().add(middleware: productAuthentication.middleware(scope, requirement)).group(context: CallerContext.self)
    }
    // Each sign-in of a batch may name its workspace.
    signIns.addRoutes(to: product(.signIns, .oneOrAll))
    mailEvents.addRoutes(to: product(.admin))
    directory.addRoutes(to: product(.directory))
    events.addRoutes(to: product(.events, .oneOrAll))
    management.addRoutes(to: router, behind: productAuthentication, replays: EntryReplays(responder: replayResponder()))
    oauth.addRoutes(to: router)
    OpenAPIController().addRoutes(to: router)
    console?.addRoutes(to: router)
  }

  /// Adds the routes whose recorded requests can be replayed, behind a middleware for each scope.
  private func addReplayedRoutes(to router: Router<EdgeContext>, behind authentication: (TokenScope) -> ReplayAuthenticationMiddleware) {
    scim.addRoutes(to: router, behind: authentication(.scim))
    signIns.addRoutes(to: router.group().add(middleware: authentication(.signIns)).group(context: CallerContext.self))
  }

  /// Authenticates the product and the operator, who may have a deployment-wide token.
  private var productAuthentication: ProductAuthentication {
    ProductAuthentication(
      authenticator, sites: sites, limits: limits, activeWorkspaces: activeWorkspaces, uses: uses, workspaces: workspaces)
  }

  private func authentication(_ scope: TokenScope) -> AuthenticationMiddleware {
    AuthenticationMiddleware(
      authenticator, sites: sites, limits: limits, activeWorkspaces: activeWorkspaces, uses: uses, scope: scope)
  }

  /// Counts input from `peer` that is not HTTP.
  ///
  /// - Returns: 429 above the rate limit, otherwise nil. A trusted proxy is not limited, since its client is unknown.
  func countMalformed(from peer: String?) -> APIError? {
    sites.origins.isTrusted(peer: Peer(peer)) ? nil : limits.countUnauthenticated(from: peer)
  }
}

extension Console: ErrorRenderer, KnownCredentials {}
