import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import SCIM

/// The OAuth token endpoint, and the metadata and public keys of the deployment.
package struct OAuthController: ErrorRenderer {
  let tokens: TokenEndpoint
  /// Reads the public keys of security event tokens: their receivers find them among the issuer's keys.
  let securityEventKeys: SecurityEventKeys

  /// - Parameters:
  ///   - tokens: issues access tokens.
  ///   - directory: has the public keys of security event tokens.
  package init(tokens: TokenEndpoint, directory: any DirectoryReads) {
    self.tokens = tokens
    securityEventKeys = SecurityEventKeys(directory)
  }

  static let tokenPath = "/api/v2/oauth/token"
  static let keysPath = "/.well-known/jwks.json"
  static let metadataPath = "/.well-known/oauth-authorization-server"

  /// The paths that anybody may read, any number of times.
  package static let publicPaths: Set<String> = [keysPath, metadataPath]

  /// Adds the routes, which need no token.
  package func addRoutes(to router: Router<EdgeContext>) {
    router.on(RouterPath(Self.tokenPath), method: .post, use: tokens.issue)
    router.getAndHead(RouterPath(Self.keysPath), use: keys)
    router.getAndHead(RouterPath(Self.metadataPath), use: metadata)
  }

  /// Whether `path` is the token endpoint, whose errors are those of RFC 6749 §5.2.
  package func handles(_ path: String) -> Bool { path == Self.tokenPath }

  /// The OAuth error response for `error`.
  package func response(for error: APIError) -> Response { OAuthError(error).response }

  /// The public keys (RFC 7517 §5) of access tokens, where there is OAuth, and of security event tokens; a token's `typ` says which it is.
  @Sendable private func keys(_: Request, _: EdgeContext) async throws -> Response {
    var keys = try await securityEventKeys.keys()
    if let cache = tokens.keys { keys = try await cache.keys().published(at: Date()).map(\.publicKey) + keys }
    guard tokens.keys != nil || !keys.isEmpty else { throw APIError.noOAuth() }
    return .json(
      .ok, ByteBuffer(string: "{\"keys\":[\(keys.joined(separator: ","))]}"), mediaType: MediaType.json,
      headers: [.cacheControl: "public, max-age=300"])
  }

  /// RFC 8414. The issuer is the host that was called, as it is for SCIM.
  @Sendable private func metadata(_ request: Request, _ context: EdgeContext) async throws -> Response {
    guard tokens.keys != nil else { throw APIError.noOAuth() }
    let sites = tokens.sites
    let site = try await sites.site(of: sites.origins.origin(of: request.head, peer: context.info.peer))
    let body: JSONObject = [
      "issuer": .string(site.url),
      "token_endpoint": .string(site.url + Self.tokenPath),
      "jwks_uri": .string(site.url + Self.keysPath),
      "scopes_supported": .array(TokenScope.allCases.map { .string($0.rawValue) }),
      // Nothing is asked for by way of a browser, so there is no response type.
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
