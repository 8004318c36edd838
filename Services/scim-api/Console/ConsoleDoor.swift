import Foundation
import HTTPTypes
import Hummingbird
import Models

/// Lets in whoever has a session for the host that was called, answers others by the way to sign in, and turns what fails into pages.
struct ConsoleDoor: RouterMiddleware {
  let sites: Sites
  let sessions: ConsoleSessions
  let limits: RateLimits
  let layout: ConsoleLayout

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let origin = try sites.origins.origin(of: request.head, peer: context.facts.peer)
    let site = try await sites.site(of: origin)
    let session = try await limits.admitting(from: origin.address, unlessKnown: false) {
      try await sessions.session(of: request, at: Date())
    }
    guard let session, (try? site.admit(session.caller.workspace)) != nil else { return Self.signInFirst(request) }
    context.facts.note(token: session.caller.token, workspace: session.caller.workspace)
    var context = context
    context.session = session
    context.site = site
    do {
      try limits.count(session.caller.token, of: session.caller.workspace)
      if request.method == .post { try Self.checkOrigin(of: request, at: site) }
      return try await next(request, context)
    } catch let refusal as Refusal {
      return layout.response(refusal, for: session)
    }
  }

  private static func signInFirst(_ request: Request) -> Response {
    Response(status: .seeOther, headers: [.location: "\(Console.path)/sign-in"])
  }

  /// The second lock beside the form's token: the browser says which site a form was sent from.
  private static func checkOrigin(of request: Request, at site: Site) throws(Refusal) {
    guard let origin = request.headers[.origin] else { return }
    guard origin.lowercased() == site.url.lowercased() else {
      throw Refusal(403, "The form was sent from another site, '\(origin.prefix(100))'. Open the console's page again and repeat it there.")
    }
  }
}

extension ConsoleEndpoint {
  /// Answers a request of `context`'s session.
  func respond(_ request: Request, _ context: ConsoleContext, layout: ConsoleLayout) async throws -> Response {
    switch handler {
    case .page(let page):
      let said = layout.said(of: request, in: context.session)
      return layout.response(try await page(try QueryParameters(request.uri.query), context), for: context.session, saying: said)
    case .action(let action):
      let form = try await Form(of: request)
      guard let token = form[ConsoleLayout.formToken], context.session.isTag(token, of: "form") else {
        throw Refusal(403, "The page was older than the session. Nothing was changed. Open the page again, and repeat it there.")
      }
      switch try await action(form, context) {
      case .page(let page): return layout.response(page, for: context.session)
      case .redirect(let path, let saying): return layout.redirect(to: path, saying: saying, in: context.session)
      }
    }
  }
}
