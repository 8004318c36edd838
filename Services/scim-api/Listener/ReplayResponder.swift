import Hummingbird
import Models

extension Edge {
  /// The responder to requests of identity providers that the console sends again.
  func replayResponder() -> RouterResponder<EdgeContext> {
    let endpoints = endpoints.filter { [.scim, .signIns].contains($0.scope) }
    var known = KnownPaths()
    for endpoint in endpoints {
      for pattern in endpoint.patterns { known.add(pattern, endpoint.method) }
    }
    let router = Router(context: EdgeContext.self)
    router.add(middleware: RequestLoggingMiddleware(log: log))
    router.add(middleware: ErrorMiddleware(known: known))
    router.add(middleware: URLLengthMiddleware())
    for endpoint in endpoints { endpoint.add(to: router, behind: ReplayAuthenticationMiddleware(limits: limits, scope: endpoint.scope)) }
    return router.buildResponder()
  }
}

/// Admits requests of an admin whom the console has authenticated, if SCIM is available for the workspace.
private struct ReplayAuthenticationMiddleware: RouterMiddleware {
  let limits: RateLimits
  let scope: TokenScope

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try SensitiveQuery.check(request.uri.query)
    guard let caller = context.caller else { throw APIError.unauthenticated() }
    if scope == .scim, let obstacle = caller.settings.scimObstacle {
      throw APIError.closedWorkspace(obstacle, plan: caller.settings.plan)
    }
    try limits.count(caller.token, of: caller.workspace)
    return try await next(request, context)
  }
}
