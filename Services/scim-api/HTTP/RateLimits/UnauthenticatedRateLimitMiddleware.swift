import Foundation
import HTTPTypes
import Hummingbird
import Models

/// A kind of credential that a request may carry.
package protocol KnownCredentials: Sendable {
  /// Whether the request carries such a credential that was valid a moment ago. Reads memory only.
  func isKnown(_ request: Request) -> Bool
}

/// Limits unauthenticated requests per client address, for all paths and responses.
///
/// A request counts unless it has a credential that this deployment issued. While an address is over the limit, only requests whose
/// credential was valid a moment ago pass.
package struct UnauthenticatedRateLimitMiddleware: RouterMiddleware {
  let sites: Sites
  let limits: RateLimits
  let authenticator: Authenticator
  let known: [any KnownCredentials]
  let publicPaths: Set<String>

  /// - Parameters:
  ///   - known: the credentials by which requests pass while their address is over the limit.
  ///   - publicPaths: paths that can be read without authentication. They have a limit of their own.
  package init(
    sites: Sites, limits: RateLimits, authenticator: Authenticator, known: [any KnownCredentials], publicPaths: Set<String>
  ) {
    self.sites = sites
    self.limits = limits
    self.authenticator = authenticator
    self.known = known
    self.publicPaths = publicPaths
  }

  /// Passes the request on, or throws 429.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let address = sites.origins.clientAddress(of: request.head, peer: context.info.peer)
    context.info.record(address: address)
    if isPublicRead(request) {
      try await limits.countPublicRead(from: address)
      return try await next(request, context)
    }
    return try await limits.limitingUnauthenticated(
      from: address, isKnown: { known.contains { $0.isKnown(request) } }, isAuthenticated: { context.info.isAuthenticated },
      answer: {
        do {
          return try await next(request, context)
        } catch {
          if !context.info.isAuthenticated, Self.isBeforeAuthentication(error) { try await identify(request, context) }
          throw error
        }
      })
  }

  /// Whether the request reads a public path. Most requests are to the SCIM base URL, which none is below.
  private func isPublicRead(_ request: Request) -> Bool {
    guard request.method == .get || request.method == .head, request.head.path?.hasPrefix(ResourcePath.base) != true else { return false }
    return publicPaths.contains(request.uri.path)
  }

  /// Whether the request failed before its credential was checked.
  private static func isBeforeAuthentication(_ error: any Error) -> Bool {
    switch error {
    case let error as HTTPError: error.status == .notFound
    case let error as APIError: [400, 403, 413, 414, 501].contains(error.error.status)
    default: false
    }
  }

  /// Authenticates a request that has already failed, and counts it for its token: the error of a connection with a wrong base URL appears
  /// in the workspace's provisioning log.
  private func identify(_ request: Request, _ context: EdgeContext) async throws {
    guard request.headers[.authorization] != nil else { return }
    let record: TokenRecord
    do {
      let site = try await sites.site(of: sites.origins.origin(of: request.head, peer: context.info.peer))
      record = try await authenticator.record(
        forRequestWith: request.headers[.authorization], at: site, Date(), info: context.info)
    } catch let error as APIError where error.error.status < 500 {
      return
    }
    try await limits.admit(record.token, of: record.workspace)
  }
}
