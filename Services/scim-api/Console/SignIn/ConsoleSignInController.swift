import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models

/// Signs people in to the console, with an admin token or a one-time link, and out of it.
struct ConsoleSignInController: ConsoleController {
  private let dependencies: Console.Dependencies
  private let layout: ConsoleLayout
  private let formTemplate: ConsoleTemplate
  private let linkTemplate: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(_ dependencies: Console.Dependencies, layout: ConsoleLayout) throws {
    self.dependencies = dependencies
    self.layout = layout
    formTemplate = try ConsoleTemplate(PackageResources.sign_in_mustache)
    linkTemplate = try ConsoleTemplate(PackageResources.link_mustache)
  }

  /// Adds the routes that need no session.
  func addPublicRoutes(to router: Router<EdgeContext>) {
    for method in [HTTPRequest.Method.get, .head] {
      router.on(RouterPath(ConsolePath.signIn), method: method, use: showForm)
      router.on(RouterPath(ConsolePath.link), method: method, use: showLink)
    }
    router.post(RouterPath(ConsolePath.signIn), use: signIn)
    router.post(RouterPath(ConsolePath.link), use: redeemLink)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.form("sign-out", use: signOut)
  }

  // MARK: Token

  private func showForm(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let next = ConsolePath.next(try QueryParameters(request.uri.query)["next"])
    return layout.response(page(next: next), for: nil)
  }

  private func signIn(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let (origin, site) = try await site(of: request, context)
    try FormOrigin.check(request, at: site, origin)
    let form = try await form(of: request, context)
    let next = ConsolePath.next(form["next"])
    guard let text = form["token"] else {
      return layout.response(page(next: next, error: "Enter an access token.", status: .unprocessableContent), for: nil)
    }
    do {
      let now = Date()
      let record = try await dependencies.tokens.record(for: Substring(text))
      context.info.record(token: record.token, workspace: record.workspace)
      try dependencies.limits.count(record.token, of: record.workspace)
      try site.admit(record.workspace)
      let caller = try record.authorized(for: .admin, at: now)
      dependencies.uses.record(caller, from: origin.address, at: now)
      let opened = try await dependencies.sessions.issuer.open(
        record.name, with: record.token, in: record.workspace, until: record.expiresAt, info: context.info)
      return redirect(opened, to: next, at: site, origin)
    } catch let error as APIError where [401, 403].contains(error.error.status) {
      let status = HTTPResponse.Status(code: error.error.status)
      return layout.response(page(next: next, error: Self.message(for: error), status: status), for: nil)
    }
  }

  /// The error message on the sign-in page. The rest of the detail addresses people who configure an identity provider.
  private static func message(for error: APIError) -> String {
    let reason = error.error.detail.prefix { $0 != "." }
    return "\(reason). Use another token with the scope admin, or a one-time link."
  }

  private func page(next: String, error: String? = nil, status: HTTPResponse.Status = .ok) -> ConsolePage {
    struct Values: Sendable {
      var next: String
      var error: String?
    }
    return ConsolePage(
      title: "Sign in", section: .members, status: status, template: formTemplate, values: Values(next: next, error: error))
  }

  // MARK: One-time link

  private struct LinkValues: Sendable {
    var key: String?
    var workspaceName: String?
    var name: String?
    var error: String?
  }

  /// The name of the parameter with the key of the link.
  private static let keyName = "key"

  /// Shows the workspace and a button. Opening the link alone does not use it up, because mail filters and previews open links, too.
  private func showLink(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let (_, site) = try await site(of: request, context)
    let text = try QueryParameters(request.uri.query)[Self.keyName] ?? ""
    do {
      let record = try await checkedLink(text, site)
      context.info.record(token: record.token, workspace: record.workspace)
      return linkPage(LinkValues(key: text, workspaceName: record.settings.name, name: record.name))
    } catch let error as APIError where [401, 403].contains(error.error.status) {
      return linkPage(LinkValues(error: error.error.detail), status: error.error.status)
    }
  }

  private func redeemLink(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let (origin, site) = try await site(of: request, context)
    try FormOrigin.check(request, at: site, origin)
    let text = try await form(of: request, context)[Self.keyName] ?? ""
    do {
      let record = try await checkedLink(text, site)
      context.info.record(token: record.token, workspace: record.workspace)
      try dependencies.limits.count(record.token, of: record.workspace)
      let opened = try await dependencies.sessions.issuer.open(
        record.name, with: record.token, in: record.workspace, until: nil, info: context.info)
      return redirect(opened, to: ConsolePath.root, at: site, origin)
    } catch let error as APIError where [401, 403].contains(error.error.status) {
      return linkPage(LinkValues(error: error.error.detail), status: error.error.status)
    }
  }

  /// The link with a key.
  ///
  /// - Throws: 401 or 403 if it cannot be used. identity-store checks it again when it is redeemed.
  private func checkedLink(_ text: String, _ site: Site) async throws -> TokenRecord {
    let record = try await dependencies.sessions.cache.link(text)
    guard (try? site.admit(record.workspace)) != nil else {
      throw APIError(403, "The link belongs to another workspace than '\(site.host)'. Ask for a new one.")
    }
    guard record.revokedAt == nil else {
      throw APIError(403, "This link was used already, or was revoked. Each link works once. Ask for a new one.")
    }
    if let end = record.expiresAt, end <= Date() { throw APIError(403, "This link has expired. Ask for a new one.") }
    return record
  }

  private func linkPage(_ values: LinkValues, status: Int = 200) -> Response {
    layout.response(
      ConsolePage(
        title: "Sign in", section: .members, status: HTTPResponse.Status(code: status), template: linkTemplate, values: values),
      // The URL of the page is a secret until it is used, so it must not be sent as a referrer.
      for: nil, headers: [.referrerPolicy: "strict-origin"])
  }

  // MARK: Sign-out

  /// Revokes the session in the store, so that every replica rejects it within a second, and removes the cookie.
  private func signOut(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let session = context.session.caller.token
    let outcome = try await dependencies.commands.execute(
      .revokeToken(TokenRevocation(token: session)), on: context.workspace.resource, for: context.session.caller, info: context.info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
    return .signOut(to: ConsolePath.signIn)
  }

  // MARK: Shared

  /// Reads a form that is sent without a session.
  private func form(of request: Request, _ context: EdgeContext) async throws -> Form {
    var share = BodyBudget.Share(of: dependencies.bodies, for: .address(ClientAddress(context.info.fields.address)))
    let form = try await Form(of: request, maximum: Form.maximumUnauthenticatedBytes, share: &share)
    share.release()
    return form
  }

  private func site(of request: Request, _ context: EdgeContext) async throws -> (Origin, Site) {
    let origin = try dependencies.sites.origins.origin(of: request.head, peer: context.info.peer)
    return (origin, try await dependencies.sites.site(of: origin))
  }

  private func redirect(_ opened: SessionIssuer.IssuedSession, to next: String, at site: Site, _ origin: Origin) -> Response {
    let cookie = SessionCookie(for: site, origin).setting(opened.key, for: Int(opened.end.timeIntervalSinceNow))
    return Response(status: .seeOther, headers: [.location: next, .setCookie: cookie.value])
  }
}
