import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import Postgres
import SCIM

/// Authenticates requests to the console by their session cookie.
///
/// Redirects requests without a valid session to the sign-in page, and renders errors as pages.
struct ConsoleAuthenticationMiddleware: RouterMiddleware {
  let sites: Sites
  let sessions: ConsoleSessions
  let limits: RateLimits
  let layout: ConsoleLayout
  let bodies: BodyBudget
  /// Lets pages use a read replica; nil without one.
  let writtenPosition: WrittenPosition?

  func handle(
    _ request: Request, context: ConsoleRequestContext, next: (Request, ConsoleRequestContext) async throws -> Response
  ) async throws -> Response {
    let origin = try sites.origins.origin(of: request.head, peer: context.info.peer)
    let site = try await sites.site(of: origin)
    let cookie = SessionCookie(for: site, origin)
    guard let found = try await session(of: request, site, cookie, context) else {
      return redirectToSignIn(request, clearing: cookie)
    }
    let session = found.session
    context.info.record(token: session.caller.token, workspace: session.caller.workspace)
    var context = context
    context.authentication = ConsoleContext.Authentication(
      session: session, site: site, cookie: cookie, layout: layout, bodies: bodies)
    var response = try await renderingErrors(context, session) {
      try limits.count(session.caller.token, of: session.caller.workspace)
      if request.method == .post { try FormOrigin.check(request, at: site, origin) }
      guard let writtenPosition, [.get, .head].contains(request.method) else { return try await next(request, context) }
      return try await writtenPosition.reading(request) { try await next(request, context) }
    }
    if let writtenPosition, request.method == .post {
      response.headers.append(try await writtenPosition.field(isSecure: cookie.isSecure))
    }
    // If the response ends the session, its cookie stays removed.
    if let new = found.cookie, !response.headers[values: .setCookie].contains(where: { $0.hasPrefix("\(cookie.name)=") }) {
      response.headers.append(new)
    }
    return response
  }

  private func session(
    of request: Request, _ site: Site, _ cookie: SessionCookie, _ context: ConsoleRequestContext
  ) async throws -> ConsoleSessions.ResolvedSession? {
    do {
      return try await sessions.session(of: request, at: site, cookie: cookie, info: context.info, logger: context.logger)
    } catch let error as APIError where error.error.status == 401 {
      return nil
    }
  }

  private func renderingErrors(
    _ context: ConsoleRequestContext, _ session: ConsoleSession, _ handle: () async throws -> Response
  ) async throws -> Response {
    do {
      return try await handle()
    } catch let error as APIError {
      return layout.response(error, for: session)
    } catch let error as SCIMError {
      return layout.response(APIError(error), for: session)
    } catch let error as PostgresError where error.isTransient {
      context.logger.warning("the database is away", metadata: ["error": "\(error)"])
      return layout.response(APIError.databaseAway(), for: session)
    }
  }

  private func redirectToSignIn(_ request: Request, clearing cookie: SessionCookie) -> Response {
    // The content of a form is lost with the session, and the page of the form is unknown.
    let destination = [.get, .head].contains(request.method) ? request.uri.string : ConsolePath.root
    var headers: HTTPFields = [.location: ConsolePath.signIn(for: destination)]
    if cookie.isIn(request) { headers.append(cookie.clearing) }
    return Response(status: .seeOther, headers: headers)
  }
}
