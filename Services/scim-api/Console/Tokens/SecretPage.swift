import EdgeHTTP
import EdgeReads
import Models

/// The page that shows a new secret once, and where to enter it.
struct SecretPage: Sendable {
  private let template: ConsoleTemplate

  /// - Throws: an error if the embedded template cannot be parsed.
  init() throws {
    template = try ConsoleTemplate(PackageResources.token_secret_mustache)
  }

  /// The page for a token or a client secret.
  func page(
    _ secret: String, of id: TokenID, _ kind: TokenKind, _ name: String, _ scopes: Set<TokenScope>, _ context: ConsoleContext
  ) -> ConsolePage {
    let isClient = kind == .client
    return ConsolePage(
      title: isClient ? "Client secret" : "New token", section: .api, template: template,
      values: Values(
        secret: secret, name: name, clientID: isClient ? id.description : nil, isClient: isClient,
        tokenURL: isClient ? "\(context.site.url)/api/v2/oauth/token" : nil,
        scimURL: scopes.contains(.scim) ? context.site.baseURL.text + "/" : nil, opensConsole: scopes.contains(.admin) && !isClient,
        path: TokenView.path(of: id)))
  }

  private struct Values: Sendable {
    var secret: String
    var name: String
    var clientID: String?
    var isClient: Bool
    var tokenURL: String?
    var scimURL: String?
    var opensConsole: Bool
    var path: String
  }

  /// The error for a form that is submitted again, for example because the browser reloads the page.
  static let alreadySubmitted = APIError(
    409,
    "The form was already submitted. The secret was shown then and is not stored. If nobody copied it, revoke the token and create another."
  )
}
