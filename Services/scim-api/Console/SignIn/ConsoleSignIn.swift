import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models

/// The ways into the console: an admin token, or a link that opens one session. Pages before there is a session.
struct ConsoleSignIn: Sendable {
  private let parts: Console.Parts
  private let layout: ConsoleLayout
  private let formPage: ConsoleTemplate
  private let link: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init(_ parts: Console.Parts, layout: ConsoleLayout) throws {
    self.parts = parts
    self.layout = layout
    formPage = try ConsoleTemplate(PackageResources.sign_in_mustache)
    link = try ConsoleTemplate(PackageResources.link_mustache)
  }

  var all: [OpenEndpoint] {
    [
      OpenEndpoint(.get, ConsolePath.signIn) { request, _ in
        let next = ConsolePath.next(try QueryParameters(request.uri.query)["next"])
        return layout.response(page(next: next), for: nil)
      },
      OpenEndpoint(.post, ConsolePath.signIn, handle: signIn),
      OpenEndpoint(.get, ConsolePath.link, handle: showLink),
      OpenEndpoint(.post, ConsolePath.link, handle: redeem),
    ]
  }

  // MARK: With a token

  private func signIn(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let (origin, site) = try await place(of: request, context)
    try FormOrigin.check(request, at: site, origin)
    let sent = try await form(of: request, context)
    let next = ConsolePath.next(sent["next"])
    guard let text = sent["token"] else {
      return layout.response(page(next: next, wrong: "Enter an access token.", status: .unprocessableContent), for: nil)
    }
    do {
      let now = Date()
      let record = try await parts.tokens.record(for: Substring(text))
      context.info.record(token: record.token, workspace: record.workspace)
      try parts.limits.count(record.token, of: record.workspace)
      try site.admit(record.workspace)
      let caller = try Caller(record, for: .admin, at: now)
      parts.uses.record(caller, from: origin.address, at: now)
      let opened = try await parts.sessions.opening.open(
        record.name, with: record.token, in: record.workspace, until: record.expiresAt, info: context.info)
      return enter(opened, next, at: site, origin)
    } catch let refusal as APIError where [401, 403].contains(refusal.error.status) {
      let status = HTTPResponse.Status(code: refusal.error.status)
      return layout.response(page(next: next, wrong: Self.words(of: refusal), status: status), for: nil)
    }
  }

  /// What is wrong with a token, to somebody who wants to sign in with it rather than enter it in an identity provider.
  private static func words(of refusal: APIError) -> String {
    let why = refusal.error.detail.prefix { $0 != "." }
    return "\(why). Use another token with the scope admin, or a one-time link."
  }

  private func page(next: String, wrong: String? = nil, status: HTTPResponse.Status = .ok) -> ConsolePage {
    struct Values: Sendable {
      var next: String
      var wrong: String?
    }
    return ConsolePage(
      title: "Sign in", section: .members, status: status, template: formPage, values: Values(next: next, wrong: wrong))
  }

  // MARK: With a link

  private struct LinkValues: Sendable {
    var key: String?
    var workspaceName: String?
    var name: String?
    var wrong: String?
  }

  private static let keyName = "key"

  /// Names the workspace and asks for a press of a button: what looks at links before people do (mail filters, previews) opens nothing.
  private func showLink(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let (_, site) = try await place(of: request, context)
    let text = try QueryParameters(request.uri.query)[Self.keyName] ?? ""
    do {
      let record = try await checkedLink(text, site)
      context.info.record(token: record.token, workspace: record.workspace)
      return linkPage(LinkValues(key: text, workspaceName: record.settings.name, name: record.name))
    } catch let refusal as APIError where [401, 403].contains(refusal.error.status) {
      return linkPage(LinkValues(wrong: refusal.error.detail), status: refusal.error.status)
    }
  }

  private func redeem(_ request: Request, _ context: EdgeContext) async throws -> Response {
    let (origin, site) = try await place(of: request, context)
    try FormOrigin.check(request, at: site, origin)
    let text = try await form(of: request, context)[Self.keyName] ?? ""
    do {
      let record = try await checkedLink(text, site)
      context.info.record(token: record.token, workspace: record.workspace)
      try parts.limits.count(record.token, of: record.workspace)
      let opened = try await parts.sessions.opening.open(
        record.name, with: record.token, in: record.workspace, until: nil, info: context.info)
      return enter(opened, Console.path, at: site, origin)
    } catch let refusal as APIError where [401, 403].contains(refusal.error.status) {
      return linkPage(LinkValues(wrong: refusal.error.detail), status: refusal.error.status)
    }
  }

  /// The link with this key, as long as it opens anything here; whether it still does when it is used is for the store to say.
  private func checkedLink(_ text: String, _ site: Site) async throws -> TokenRecord {
    let record = try await parts.sessions.directory.link(text)
    guard (try? site.admit(record.workspace)) != nil else {
      throw APIError(403, "The link is of another workspace than the one at '\(site.host)'. Ask for a new one.")
    }
    guard record.revokedAt == nil else {
      throw APIError(403, "This link has been used already, or was taken back. Each opens one session. Ask for a new one.")
    }
    if let end = record.expiresAt, end <= Date() { throw APIError(403, "This link has expired. Ask for a new one.") }
    return record
  }

  private func linkPage(_ values: LinkValues, status: Int = 200) -> Response {
    layout.response(
      ConsolePage(
        title: "Sign in", section: .members, status: HTTPResponse.Status(code: status), template: link, values: values),
      // The page's URL is a secret until it is used, which not even our own pages are to hear of.
      for: nil, headers: [.referrerPolicy: "strict-origin"])
  }

  // MARK: Both

  /// The form of somebody who is not known yet.
  private func form(of request: Request, _ context: EdgeContext) async throws -> Form {
    var share = BodyBudget.Share(of: parts.bodies, for: .address(ClientAddress(context.info.fields.address)))
    let form = try await Form(of: request, maximum: Form.maximumBytesOfStrangers, share: &share)
    share.release()
    return form
  }

  private func place(of request: Request, _ context: EdgeContext) async throws -> (Origin, Site) {
    let origin = try parts.sites.origins.origin(of: request.head, peer: context.info.peer)
    return (origin, try await parts.sites.site(of: origin))
  }

  private func enter(_ opened: SessionOpening.Opened, _ next: String, at site: Site, _ origin: Origin) -> Response {
    let cookie = SessionCookie(for: site, origin).setting(opened.key, for: Int(opened.end.timeIntervalSinceNow))
    return Response(status: .seeOther, headers: [.location: next, .setCookie: cookie.value])
  }
}
