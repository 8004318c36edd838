import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import SCIM

/// The OAuth endpoints: the token endpoint, the server metadata and the public keys.
package struct OAuthController: ErrorRenderer {
  let tokens: TokenEndpoint
  /// The public keys of security event tokens, which the key endpoint publishes too.
  let securityEventKeys: SecurityEventKeys

  /// - Parameters:
  ///   - tokens: issues access tokens.
  ///   - directory: reads the public keys of security event tokens.
  package init(tokens: TokenEndpoint, directory: any DirectoryReads) {
    self.tokens = tokens
    securityEventKeys = SecurityEventKeys(directory)
  }

  static let tokenPath = "/api/v2/oauth/token"
  static let keysPath = "/.well-known/jwks.json"
  static let metadataPath = "/.well-known/oauth-authorization-server"

  /// The paths of public documents, which have a rate limit of their own.
  package static let publicPaths: Set<String> = [keysPath, metadataPath]

  /// Adds the routes, which do not require an access token.
  package func addRoutes(to router: Router<EdgeContext>) {
    router.on(RouterPath(Self.tokenPath), method: .post, use: tokens.issue)
    router.getAndHead(RouterPath(Self.keysPath), use: keys)
    router.getAndHead(RouterPath(Self.metadataPath), use: metadata)
  }

  /// Whether `path` is the token endpoint, whose error responses follow RFC 6749 §5.2.
  package func handles(_ path: String) -> Bool { path == Self.tokenPath }

  /// The OAuth error response for `error`.
  package func response(for error: APIError) -> Response { OAuthError(error).response }

  /// The public keys (RFC 7517 §5) of access tokens, if OAuth is configured, and of security event tokens. The two kinds of tokens differ in
  /// their `typ` header.
  @Sendable private func keys(_: Request, _: EdgeContext) async throws -> Response {
    var keys = try await securityEventKeys.keys()
    if let cache = tokens.keys { keys = try await cache.keys().published(at: Date()).map(\.publicKey) + keys }
    guard tokens.keys != nil || !keys.isEmpty else { throw APIError.noOAuth() }
    return .json(
      .ok, ByteBuffer(string: "{\"keys\":[\(keys.joined(separator: ","))]}"), mediaType: MediaType.json,
      headers: [.cacheControl: "public, max-age=300"])
  }

  /// The authorization server metadata (RFC 8414). The issuer is the host of the request, as in SCIM responses.
  @Sendable private func metadata(_ request: Request, _ context: EdgeContext) async throws -> Response {
    guard tokens.keys != nil else { throw APIError.noOAuth() }
    let sites = tokens.sites
    let site = try await sites.site(of: sites.origins.origin(of: request.head, peer: context.info.peer))
    let body: JSONObject = [
      "issuer": .string(site.url),
      "token_endpoint": .string(site.url + Self.tokenPath),
      "jwks_uri": .string(site.url + Self.keysPath),
      "scopes_supported": .array(TokenScope.allCases.map { .string($0.rawValue) }),
      // There is no authorization endpoint, so there are no response types.
      "response_types_supported": .array([]),
      "grant_types_supported": .array([.string("client_credentials")]),
      "token_endpoint_auth_methods_supported": .array([.string("client_secret_basic"), .string("client_secret_post")]),
    ]
    return .json(.ok, ByteBuffer(bytes: body.serialized()), mediaType: MediaType.json)
  }
}

extension APIError {
  fileprivate static func noOAuth() -> APIError {
    APIError(404, "OAuth is not configured on this deployment: its operator sets oauth.key for identity-store and scim-api.")
  }
}
