import EdgeHTTP
import EdgeReads
import Hummingbird
import SCIM
import SCIMStorage

/// The controllers of SCIM 2.0, below the base URL `/api/v2/scim`.
package struct SCIMRoutes: Sendable {
  private let resources: [ResourceController]
  private let searches: [SearchController]
  private let bulk: BulkController
  private let discovery: DiscoveryController

  /// - Parameters:
  ///   - reads: the stored resources.
  ///   - commands: executes writes.
  ///   - bodies: reads request bodies.
  ///   - cursors: signs the cursors of lists.
  ///   - writesInFlight: limits the writes in flight.
  ///   - bulksInFlight: limits the bulk requests in flight, since each is as expensive as many writes.
  ///   - listLimiter: limits the concurrent lists and queries of a workspace.
  ///   - writeLimiter: limits the concurrent writes of a workspace.
  package init(
    reads: any ResourceReads, commands: CommandClient, bodies: BodyReader, cursors: CursorSeal, writesInFlight: ConcurrencyLimit,
    bulksInFlight: ConcurrencyLimit, listLimiter: WorkspaceConcurrencyLimiter, writeLimiter: WorkspaceConcurrencyLimiter
  ) {
    resources = ResourceKind.allCases.map { kind in
      ResourceController(kind: kind, reads: reads, bodies: bodies, inFlight: writesInFlight, limiter: writeLimiter, commands: commands)
    }
    let paths = ResourceKind.allCases.map { (path: $0.endpoint, kinds: [$0]) }
    searches = (paths + [("", ResourceKind.allCases)]).map { path, kinds in
      SearchController(path: path, kinds: kinds, reads: reads, bodies: bodies, cursors: cursors, limiter: listLimiter)
    }
    bulk = BulkController(bodies: bodies, inFlight: bulksInFlight, commands: commands)
    discovery = DiscoveryController(
      limits: ServiceLimits(
        page: Page.maximumCount, defaultPage: Page.defaultCount, cursorTimeout: cursors.lifetime,
        bulkOperations: BulkController.maximumOperations, payload: bodies.maximum))
  }

  /// Adds all routes to `router`, behind `authentication`.
  ///
  /// Each route has two paths, with and without the protocol version after the base URL (RFC 7644 §3.13).
  package func addRoutes(to router: Router<EdgeContext>, behind authentication: some RouterMiddleware<EdgeContext>) {
    for base in [ResourcePath.base, "\(ResourcePath.base)/v2"] {
      let group = router.group(RouterPath(base)).addMiddleware {
        authentication
        AcceptMiddleware()
      }.group(context: CallerContext.self)
      for controller in searches { controller.addRoutes(to: group) }
      for controller in resources { controller.addRoutes(to: group) }
      discovery.addRoutes(to: group)
      CurrentUserController().addRoutes(to: group)
      bulk.addRoutes(to: group)
    }
  }
}

/// Rejects requests whose `Accept` header excludes JSON (RFC 9110 §12.5.1).
struct AcceptMiddleware: RouterMiddleware {
  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try MediaType.check(accept: request.headers[.accept])
    return try await next(request, context)
  }
}
