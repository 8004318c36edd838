import EdgeHTTP
import EdgeReads
import Models

/// What shows a new secret, once, with where it is to be entered.
struct SecretPage: Sendable {
  private let template: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init() throws {
    template = try ConsoleTemplate(PackageResources.token_secret_mustache)
  }

  func page(
    _ secret: String, of id: TokenID, _ kind: TokenKind, _ name: String, _ scopes: Set<TokenScope>, _ context: ConsoleContext
  ) -> ConsolePage {
    let isClient = kind == .client
    return ConsolePage(
      title: isClient ? "Secret of the client" : "The token", section: .api, template: template,
      values: Values(
        secret: secret, name: name, clientID: isClient ? id.description : nil, isClient: isClient,
        tokenURL: isClient ? "\(context.site.url)/api/v2/oauth/token" : nil,
        scimURL: scopes.contains(.scim) ? context.site.baseURL.text + "/" : nil, opensConsole: scopes.contains(.admin) && !isClient,
        path: "\(TokenView.path)/\(id)"))
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

  /// The answer to a form that is sent again, as a browser does when its page is loaded anew.
  static let sentTwice = APIError(
    409,
    "This was made already when the form was sent the first time. Its secret was shown then, and is kept nowhere: where nobody copied it, "
      + "revoke it and make another one.")
}
