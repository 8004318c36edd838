import Foundation
import Hummingbird
import Models

/// Lets in whoever has a token of the right scope for the host that was called, and tells the handlers behind it who and where that is.
struct AuthenticationMiddleware: RouterMiddleware {
  let sites: Sites
  let credentials: Authenticator
  let limits: RateLimits
  let neighbours: ActiveWorkspaces
  let uses: TokenUseLog
  let scope: TokenScope

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try SensitiveQuery.check(request.uri.query)
    let origin = try sites.origins.origin(of: request.head, peer: context.facts.peer)
    let site = try await sites.site(of: origin)
    let now = Date()
    let record = try await credentials.record(
      forRequestWith: request.headers[.authorization], at: site, now, facts: context.facts)
    try await limits.admit(record.token, of: record.workspace)
    neighbours.note(record.workspace)
    try site.admit(record.workspace)
    let caller = try Caller(record, for: scope, at: now)
    uses.note(caller, from: origin.address, at: now)
    var context = context
    context.caller = caller
    context.base = site.baseURL
    return try await next(request, context)
  }
}
