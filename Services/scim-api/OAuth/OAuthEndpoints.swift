import Foundation
import Hummingbird
import Models
import NIOCore
import SCIM

/// Where OAuth clients get access tokens, and what they and others can find out about that.
struct OAuthEndpoints: Sendable {
  let tokens: TokenEndpoint
  /// The public keys of security event tokens, each a JSON Web Key: whoever gets one finds its key where the issuer's keys are.
  var securityEventKeys = SecurityEventKeys { [] }

  static let tokenPath = "/api/v2/oauth/token"
  static let keysPath = "/.well-known/jwks.json"
  static let metadataPath = "/.well-known/oauth-authorization-server"

  var all: [OpenEndpoint] {
    [
      OpenEndpoint(.post, Self.tokenPath, handle: tokens.issue),
      OpenEndpoint(.get, Self.keysPath, isPublic: true, handle: keys),
      OpenEndpoint(.get, Self.metadataPath, isPublic: true, handle: metadata),
    ]
  }

  /// The public keys (RFC 7517 §5) of access tokens, where there is OAuth, and of security event tokens; a token's `typ` says which it is.
  private func keys(_: Request, _: EdgeContext) async throws -> Response {
    var keys = try await securityEventKeys.keys()
    if let directory = tokens.keys { keys = try await directory.keys().published(at: Date()).map(\.publicKey) + keys }
    guard tokens.keys != nil || !keys.isEmpty else { throw APIError.noOAuth() }
    return .json(
      .ok, ByteBuffer(string: "{\"keys\":[\(keys.joined(separator: ","))]}"), mediaType: MediaType.json,
      headers: [.cacheControl: "public, max-age=300"])
  }

  /// RFC 8414. The issuer is the host that was called, as it is for SCIM.
  private func metadata(_ request: Request, _ context: EdgeContext) async throws -> Response {
    guard tokens.keys != nil else { throw APIError.noOAuth() }
    let sites = tokens.sites
    let site = try await sites.site(of: sites.origins.origin(of: request.head, peer: context.facts.peer))
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
