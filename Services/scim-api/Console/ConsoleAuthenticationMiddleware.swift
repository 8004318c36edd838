import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import Postgres
import SCIM

/// Lets in whoever has a session for the host that was called, answers others by the way to sign in, and turns what fails into pages.
struct ConsoleAuthenticationMiddleware: RouterMiddleware {
  let sites: Sites
  let sessions: ConsoleSessions
  let limits: RateLimits
  let layout: ConsoleLayout

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let origin = try sites.origins.origin(of: request.head, peer: context.info.peer)
    let site = try await sites.site(of: origin)
    let cookie = SessionCookie(for: site, origin)
    guard let found = try await session(of: request, site, cookie, context) else {
      return signInFirst(request, clearing: cookie)
    }
    let session = found.session
    context.info.record(token: session.caller.token, workspace: session.caller.workspace)
    var context = context
    context.session = session
    context.site = site
    context.sessionCookie = cookie
    var response = try await answer(request, context, session) {
      try limits.count(session.caller.token, of: session.caller.workspace)
      if request.method == .post { try FormOrigin.check(request, at: site, origin) }
      return try await next(request, context)
    }
    // Where the answer ends the session, its cookie is not brought back.
    if let new = found.cookie, !response.headers[values: .setCookie].contains(where: { $0.hasPrefix("\(cookie.name)=") }) {
      response.headers.append(new)
    }
    return response
  }

  private func session(
    of request: Request, _ site: Site, _ cookie: SessionCookie, _ context: EdgeContext
  ) async throws -> ConsoleSessions.Found? {
    do {
      return try await sessions.session(of: request, at: site, cookie: cookie, info: context.info, logger: context.logger)
    } catch let refusal as APIError where refusal.error.status == 401 {
      return nil
    }
  }

  private func answer(
    _ request: Request, _ context: EdgeContext, _ session: ConsoleSession, _ handle: () async throws -> Response
  ) async throws -> Response {
    do {
      return try await handle()
    } catch let refusal as APIError {
      return layout.response(refusal, for: session)
    } catch let error as SCIMError {
      return layout.response(APIError(error), for: session)
    } catch let error as PostgresError where error.isTransient {
      context.logger.warning("the database is away", metadata: ["error": "\(error)"])
      return layout.response(APIError.databaseAway(), for: session)
    }
  }

  private func signInFirst(_ request: Request, clearing cookie: SessionCookie) -> Response {
    // What was sent by a form is gone with the session; the page that it was on is not known.
    let wanted = [.get, .head].contains(request.method) ? request.uri.string : Console.path
    var headers: HTTPFields = [.location: ConsolePath.signIn(for: wanted)]
    if cookie.isIn(request) { headers.append(cookie.clearing) }
    return Response(status: .seeOther, headers: headers)
  }
}

extension ConsoleEndpoint {
  /// Answers a request of `context`'s session.
  ///
  /// - Parameter bodies: the memory for forms.
  func respond(
    _ request: Request, _ context: ConsoleContext, layout: ConsoleLayout, bodies: BodyBudget
  ) async throws -> Response {
    switch handler {
    case .page(let page):
      let said = layout.said(of: request, in: context.session)
      let parameters = try QueryParameters(request.uri.query)
      try parameters.checkText()
      return layout.response(try await page(parameters, context), for: context.session, saying: said, cookie: context.sessionCookie)
    case .action(let action):
      var share = BodyBudget.Share(of: bodies, for: .workspace(context.workspace))
      let form = try await Form(of: request, share: &share)
      share.release()
      guard let token = form[ConsoleLayout.formToken], context.session.isTag(token, of: "form") else {
        throw APIError(403, "The page was older than the session. Nothing was changed. Open the page again, and repeat it there.")
      }
      switch try await action(form, context) {
      case .page(let page): return layout.response(page, for: context.session)
      case .redirect(let path, let saying, let isFailure):
        let message = saying.map { FlashMessage(text: $0, isFailure: isFailure) }
        return layout.redirect(to: path, saying: message, in: context.session, cookie: context.sessionCookie)
      case .leave(let path):
        return Response(status: .seeOther, headers: [.location: path, .setCookie: context.sessionCookie.clearing.value])
      }
    }
  }
}
