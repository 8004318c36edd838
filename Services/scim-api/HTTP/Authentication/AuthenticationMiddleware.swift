import Foundation
import Hummingbird
import Models

/// Authenticates requests by the token in `Authorization`: it must be valid at the host of the request and have the scope of the route.
///
/// Sets ``EdgeContext/caller`` and ``EdgeContext/base`` for the handlers of the routes.
package struct AuthenticationMiddleware: RouterMiddleware {
  let authenticator: Authenticator
  let sites: Sites
  let limits: RateLimits
  let activeWorkspaces: ActiveWorkspaces
  let uses: TokenUseLog
  let scope: TokenScope

  /// - Parameter scope: the scope that the routes need.
  package init(
    _ authenticator: Authenticator, sites: Sites, limits: RateLimits, activeWorkspaces: ActiveWorkspaces, uses: TokenUseLog,
    scope: TokenScope
  ) {
    self.authenticator = authenticator
    self.sites = sites
    self.limits = limits
    self.activeWorkspaces = activeWorkspaces
    self.uses = uses
    self.scope = scope
  }

  /// Authenticates the request, or throws 401, 403 or 429.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try SensitiveQuery.check(request.uri.query)
    let origin = try sites.origins.origin(of: request.head, peer: context.info.peer)
    let site = try await sites.site(of: origin)
    let now = Date()
    let record = try await authenticator.record(
      forRequestWith: request.headers[.authorization], at: site, now, info: context.info)
    try await limits.admit(record.token, of: record.workspace)
    activeWorkspaces.record(record.workspace)
    try site.admit(record.workspace)
    let caller = try record.authorized(for: scope, at: now)
    uses.record(caller, from: origin.address, at: now)
    var context = context
    context.caller = caller
    context.base = site.baseURL
    return try await next(request, context)
  }
}

/// Authorizes replayed requests. The console has authenticated their caller; the workspace must be allowed to use SCIM.
package struct ReplayAuthenticationMiddleware: RouterMiddleware {
  let limits: RateLimits
  let scope: TokenScope

  /// - Parameter scope: the scope that the routes need.
  package init(limits: RateLimits, scope: TokenScope) {
    self.limits = limits
    self.scope = scope
  }

  /// Passes the request on, or throws 401, 403 or 429.
  package func handle(
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
