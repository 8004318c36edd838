import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/settings/api`: the access tokens and OAuth clients of the workspace; their creation, rotation and revocation.
struct TokensController: ConsoleController {
  private let query: TokensQuery
  private let commands: CommandClient
  private let hasOAuth: Bool
  private let listTemplate: ConsoleTemplate
  private let tokenTemplate: ConsoleTemplate
  private let formTemplate: ConsoleTemplate
  private let secretPage: SecretPage

  /// The number of tokens on a page.
  static let pageSize = 50
  /// The maximum number of uses on a token's page.
  static let maximumUses = 100

  /// - Parameter hasOAuth: whether OAuth clients can get access tokens.
  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, commands: CommandClient, hasOAuth: Bool) throws {
    query = TokensQuery(database: database)
    self.commands = commands
    self.hasOAuth = hasOAuth
    listTemplate = try ConsoleTemplate(PackageResources.tokens_mustache)
    tokenTemplate = try ConsoleTemplate(PackageResources.token_mustache)
    formTemplate = try ConsoleTemplate(PackageResources.token_new_mustache)
    secretPage = try SecretPage()
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("settings/api", use: list)
    group.page("settings/api/new", use: showForm)
    group.form("settings/api/new", use: create)
    group.page("settings/api/{id}", use: show)
    group.form("settings/api/{id}/rotate", use: rotate)
    group.form("settings/api/{id}/revoke", use: revoke)
  }

  // MARK: List and details

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let showsEnded = parameters["show"] == "ended"
    // The position is a plain id, not a sealed cursor: the list contains only tokens of the workspace.
    let last = parameters["after"].flatMap { TokenID($0) }
    let found = try await query.tokens(ended: showsEnded, after: last, limit: Self.pageSize + 1, in: context.workspace)
    let now = Date()
    let tokens = found.prefix(Self.pageSize).map { TokenView($0, own: context.session.openedWith, at: now) }
    func path(after id: String?) -> String {
      ConsoleSection.api.path + ConsoleText.query([("show", showsEnded ? "ended" : nil), ("after", id)])
    }
    return ConsolePage(
      title: "API", section: .api, template: listTemplate,
      values: TokensView(
        tokens: tokens, isEmpty: tokens.isEmpty, showsEnded: showsEnded, hasOAuth: hasOAuth,
        pager: Pager(
          first: last == nil ? nil : path(after: nil),
          next: found.count > Self.pageSize ? tokens.last.map { path(after: $0.id) } : nil)))
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let token = try await token(context)
    let uses = try await query.uses(of: token.id, limit: Self.maximumUses + 1, in: context.workspace)
    let view = TokenDetailsView(TokenView(token, own: context.session.openedWith, at: Date()), uses: uses)
    return ConsolePage(title: token.name, section: .api, template: tokenTemplate, values: view)
  }

  // MARK: Creation

  private func showForm(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let kind: TokenKind = parameters["kind"] == "client" ? .client : .token
    try check(kind)
    return page(TokenForm(kind: kind, id: .made(at: Date())))
  }

  /// Creates a token. The response shows the secret, which appears in no URL.
  private func create(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let now = Date()
    let entered = TokenForm(form, at: now)
    try check(entered.kind)
    guard entered.invalidField == nil else { return .page(page(entered)) }
    let secret =
      entered.kind == .client ? ClientSecret.made(for: context.workspace).text : AccessToken.made(for: context.workspace).text
    let grant = TokenGrant(
      token: entered.id, kind: entered.kind, name: entered.name, scopes: entered.scopes, digest: SecretDigest.hex(of: secret),
      expiresAt: entered.days.map { now + TimeInterval($0) * 86_400 })
    let outcome = try await commands.execute(
      .issueToken(grant), on: context.workspace.resource, for: context.session.caller, info: context.info)
    switch outcome {
    case .refused(409, _): throw SecretPage.alreadySubmitted
    case .refused(let status, let error): throw APIError(status: status, stored: error)
    default: return .page(secretPage.page(secret, of: entered.id, entered.kind, entered.name, entered.scopes, context))
    }
  }

  private func check(_ kind: TokenKind) throws(APIError) {
    guard kind == .token || hasOAuth else {
      throw APIError(404, "OAuth is not configured in this deployment. Create a token instead.")
    }
  }

  private func page(_ form: TokenForm) -> ConsolePage {
    ConsolePage(
      title: form.kind == .client ? "New OAuth client" : "New token", section: .api,
      status: form.invalidField == nil || !form.isSubmitted ? .ok : .unprocessableContent, template: formTemplate,
      values: TokenFormView(form))
  }

  // MARK: Rotation and revocation

  private func rotate(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let token = try await token(context)
    let now = Date()
    let days = form["grace"].flatMap { Int($0) }.map { min(max($0, 0), 365) }
    let until = days.map { now + TimeInterval($0) * 86_400 }
    if token.kind == .client {
      let secret = ClientSecret.made(for: context.workspace).text
      let rotation = SecretRotation(
        client: token.id, digest: SecretDigest.hex(of: secret), formerUntil: days == 0 ? nil : until ?? now + 86_400)
      try await execute(.rotateSecret(rotation), context)
      return .page(secretPage.page(secret, of: token.id, .client, token.name, Set(token.scopes), context))
    }
    guard let successor = form["successor"].flatMap({ TokenID($0) }) else {
      throw APIError(422, "The form is incomplete. Open the token's page again and repeat the change there.")
    }
    if token.successor?.id == successor { throw SecretPage.alreadySubmitted }
    let text = AccessToken.made(for: context.workspace).text
    let lifetime = PeriodChoice.expiries.first { $0.value == form["expiry"] }?.days
    let rotation = TokenRotation(
      token: token.id, successor: successor, digest: SecretDigest.hex(of: text), retiresAt: until,
      expiresAt: lifetime.map { now + TimeInterval($0) * 86_400 })
    try await execute(.rotateToken(rotation), context)
    return .page(secretPage.page(text, of: successor, .token, token.name, Set(token.scopes), context))
  }

  private func revoke(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let token = try await token(context)
    try await execute(.revokeToken(TokenRevocation(token: token.id)), context)
    if token.id == context.session.openedWith { return .signOut(to: ConsolePath.signIn) }
    return .redirect(to: ConsoleSection.api.path, message: "'\(token.name)' is revoked. Requests with it are rejected.")
  }

  private func execute(_ operation: Command.Operation, _ context: ConsoleContext) async throws {
    let outcome = try await commands.execute(
      operation, on: context.workspace.resource, for: context.session.caller, info: context.info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
  }

  /// The token with the id in the path.
  private func token(_ context: ConsoleContext) async throws -> ListedToken {
    guard let id = context.parameters.get("id").flatMap({ TokenID($0) }), let token = try await query.token(id, in: context.workspace)
    else { throw APIError(404, "The workspace has no such token or OAuth client.") }
    return token
  }
}
