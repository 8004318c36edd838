import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// `/console/settings/api/new`: a new token or OAuth client, whose secret is shown in the answer to the form, once, and stands in no URL.
struct NewTokenPage: Sendable {
  let commands: CommandClient
  let hasOAuth: Bool
  let secrets: SecretPage
  private let template: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init(commands: CommandClient, hasOAuth: Bool, secrets: SecretPage) throws {
    self.commands = commands
    self.hasOAuth = hasOAuth
    self.secrets = secrets
    template = try ConsoleTemplate(PackageResources.token_new_mustache)
  }

  private static let path = "/settings/api/new"

  var all: [ConsoleEndpoint] {
    [
      .page(Self.path) { parameters, _ in
        let kind: TokenKind = parameters["kind"] == "client" ? .client : .token
        try check(kind)
        return page(NewToken(kind: kind, id: .made(at: Date())), wrong: nil)
      },
      .action(Self.path) { form, context in
        let wanted = NewToken(form, at: Date())
        try check(wanted.kind)
        if let wrong = wanted.wrong { return .page(page(wanted, wrong: wrong)) }
        return try await make(wanted, context)
      },
    ]
  }

  private func check(_ kind: TokenKind) throws(APIError) {
    guard kind == .token || hasOAuth else { throw APIError(404, "This deployment has no OAuth. Make a token instead.") }
  }

  private func make(_ wanted: NewToken, _ context: ConsoleContext) async throws -> ConsoleEndpoint.Answer {
    let now = Date()
    let secret =
      wanted.kind == .client ? ClientSecret.made(for: context.workspace).text : AccessToken.made(for: context.workspace).text
    let grant = TokenGrant(
      token: wanted.id, kind: wanted.kind, name: wanted.name, scopes: wanted.scopes, digest: Hex.digest(of: secret),
      expiresAt: wanted.days.map { now + TimeInterval($0) * 86_400 })
    let outcome = try await commands.execute(
      .issueToken(grant), on: context.workspace.resource, for: context.session.caller, info: context.info)
    switch outcome {
    case .refused(409, _): throw SecretPage.sentTwice
    case .refused(let status, let error): throw APIError(status: status, stored: error)
    default: return .page(secrets.page(secret, of: wanted.id, wanted.kind, wanted.name, wanted.scopes, context))
    }
  }

  private func page(_ wanted: NewToken, wrong: NewToken.Wrong?) -> ConsolePage {
    let isClient = wanted.kind == .client
    return ConsolePage(
      title: isClient ? "New OAuth client" : "New token", section: .api, status: wrong == nil ? .ok : .unprocessableContent,
      template: template,
      values: Values(
        tokenID: wanted.id.description, kind: wanted.kind.rawValue, isClient: isClient, name: wanted.name,
        scopes: ScopeChoice.all(for: wanted.kind, checked: Set(wanted.scopes.map(\.rawValue))),
        expiries: TimeChoice.marked(TimeChoice.expiries, wanted.expiry).map(ShownChoice.init),
        wrongName: wrong == .name ? "Give it a name of at most 200 characters, so that people know what it is for." : nil,
        wrongScopes: wrong == .scopes ? "Choose at least one thing that it is for." : nil))
  }

  private struct Values: Sendable {
    var tokenID: String
    var kind: String
    var isClient: Bool
    var name: String
    var scopes: [ScopeChoice]
    var expiries: [ShownChoice]
    var wrongName: String?
    var wrongScopes: String?
  }
}

/// What the form for a new token or client says.
struct NewToken: Sendable, Equatable {
  enum Wrong: Sendable, Equatable {
    case name, scopes
  }

  var kind: TokenKind
  /// Made with the page, so that a form that is sent twice makes one.
  var id: TokenID
  var name = ""
  var scopes: Set<TokenScope> = [.scim]
  var expiry = "365"

  init(kind: TokenKind, id: TokenID) {
    self.kind = kind
    self.id = id
  }

  init(_ form: Form, at now: Date) {
    kind = form["kind"] == TokenKind.client.rawValue ? .client : .token
    id = form["token"].flatMap { TokenID($0) } ?? .made(at: now)
    name = form["name"] ?? ""
    scopes = Set(form.all("scope").compactMap { TokenScope(rawValue: $0) })
    // A client gets access tokens, and the console takes none.
    if kind == .client { scopes.remove(.admin) }
    expiry = form["expiry"] ?? expiry
  }

  /// nil: it does not end by itself.
  var days: Int? { TimeChoice.expiries.first { $0.value == expiry }.map(\.days) ?? 365 }

  var wrong: Wrong? {
    if name.isEmpty || name.count > 200 { return .name }
    return scopes.isEmpty ? .scopes : nil
  }
}
