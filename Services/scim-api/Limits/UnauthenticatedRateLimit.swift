import Foundation
import HTTPTypes
import Hummingbird
import Models

/// Limits the requests without a known credential, per client address: whatever is asked for, and however it is answered.
///
/// A request counts unless it turns out to have a credential that this deployment issued. While an address has sent too many, only requests
/// whose credential was good a moment ago are let through.
struct UnauthenticatedRateLimitMiddleware: RouterMiddleware {
  let sites: Sites
  let limits: RateLimits
  let credentials: Authenticator
  /// nil if the console is disabled.
  let console: Console?
  /// Paths that anybody may read, which have a limit of their own.
  let publicPaths: Set<String>

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let address = sites.origins.clientAddress(of: request.head, peer: context.facts.peer)
    context.facts.note(address: address)
    if [.get, .head].contains(request.method), publicPaths.contains(request.uri.path) {
      try await limits.countPublicRead(from: address)
      return try await next(request, context)
    }
    return try await limits.limitingUnauthenticated(
      from: address, isKnown: { isKnown(request, context) }, isAuthenticated: { context.facts.notes.token != nil },
      answer: {
        do {
          return try await next(request, context)
        } catch {
          if context.facts.notes.token == nil, Self.isBeforeAuthentication(error) { try await identify(request, context) }
          throw error
        }
      })
  }

  /// Whether the request's token or session was good not long ago.
  private func isKnown(_ request: Request, _ context: EdgeContext) -> Bool {
    if credentials.knows(request.headers[.authorization]) { return true }
    return console?.isKnown(request) ?? false
  }

  /// Whether a request failed with something that is found out before anybody asks for its credential.
  private static func isBeforeAuthentication(_ error: any Error) -> Bool {
    switch error {
    case let error as HTTPError: error.status == .notFound
    case let refusal as APIError: [400, 403, 413, 414, 501].contains(refusal.error.status)
    default: false
    }
  }

  /// Finds out whose token a request has that is refused without it, and counts it as the token's: the admin of a connection with a wrong
  /// base URL sees in the provisioning log what is wrong.
  private func identify(_ request: Request, _ context: EdgeContext) async throws {
    guard request.headers[.authorization] != nil else { return }
    let record: TokenRecord
    do {
      let site = try await sites.site(of: sites.origins.origin(of: request.head, peer: context.facts.peer))
      record = try await credentials.record(
        forRequestWith: request.headers[.authorization], at: site, Date(), facts: context.facts)
    } catch let refusal as APIError where refusal.error.status < 500 {
      return
    }
    try await limits.admit(record.token, of: record.workspace)
  }
}
