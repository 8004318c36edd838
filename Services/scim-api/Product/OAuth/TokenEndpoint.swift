import Credentials
import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import JWTKit
import Models
import NIOCore
import Postgres
import SCIM

/// `POST /api/v2/oauth/token`: issues access tokens by the client credentials grant (RFC 6749 §4.4).
package struct TokenEndpoint: Sendable {
  let sites: Sites
  let tokens: TokenCache
  let limits: RateLimits
  /// The signing keys; nil if OAuth is not configured.
  let keys: SigningKeyCache?
  /// The lifetime of an access token, in seconds.
  let lifetime: Int64
  /// The memory budget for request bodies.
  let bodies: BodyBudget

  /// - Parameters:
  ///   - keys: the signing keys; nil if OAuth is not configured.
  ///   - lifetime: the lifetime of an access token, in seconds.
  ///   - bodies: the memory budget for request bodies.
  package init(
    sites: Sites, tokens: TokenCache, limits: RateLimits, keys: SigningKeyCache?, lifetime: Int64, bodies: BodyBudget = BodyBudget()
  ) {
    self.sites = sites
    self.tokens = tokens
    self.limits = limits
    self.keys = keys
    self.lifetime = lifetime
    self.bodies = bodies
  }

  /// The maximum size of a request body, in bytes.
  private static let maximumBody = 16 << 10

  @Sendable func issue(_ request: Request, _ context: EdgeContext) async throws -> Response {
    do {
      return try await response(to: request, context)
    } catch let error as OAuthError {
      return error.response
    } catch let error as APIError {
      return OAuthError(error).response
    } catch let error as PostgresError where error.isTransient {
      return OAuthError.unavailable("The database is not available at the moment. Send the request again.").response
    }
  }

  private func response(to request: Request, _ context: EdgeContext) async throws -> Response {
    guard let keys else { throw OAuthError.notConfigured() }
    try SensitiveQuery.check(request.uri.query)
    let now = Date()
    let origin = try sites.origins.origin(of: request.head, peer: context.info.peer)
    let site = try await sites.site(of: origin)
    let tokenRequest = try TokenRequest(form: try await form(in: request, context), authorization: request.headers[.authorization])
    let client = try await self.client(tokenRequest, at: now)
    context.info.record(client)
    try await limits.admit(client.token, of: client.workspace)
    do throws(APIError) {
      try site.admit(client.workspace)
    } catch {
      throw OAuthError.invalidClient(
        "'\(site.host)' is the domain of another workspace. Use the token endpoint of the client's workspace.")
    }
    let scopes = tokenRequest.scopes ?? client.scopes
    guard scopes.isSubset(of: client.scopes), !scopes.isEmpty else {
      throw OAuthError(
        code: .invalidScope,
        description: "The client may request \(client.scopes.map(\.rawValue).sorted().joined(separator: ", ")), but not "
          + "\(scopes.subtracting(client.scopes).map(\.rawValue).sorted().joined(separator: ", ")).")
    }
    guard let signer = try await keys.signer(at: now) else {
      throw OAuthError.unavailable("There is no signing key yet. identity-store creates one when it starts. Send the request again.")
    }
    let claims = AccessTokenClaims(
      client: client.token, of: client.workspace, scopes: scopes, at: site, from: now, lifetime: lifetime, id: UUID())
    let collection = await JWTKeyCollection().add(ecdsa: signer.key, kid: JWKIdentifier(string: "\(signer.id)"))
    let text = try await collection.sign(
      claims, kid: JWKIdentifier(string: "\(signer.id)"), header: ["typ": .string(AccessTokenClaims.type)])
    return .oauth(
      .ok,
      [
        "access_token": .string(text), "token_type": .string("Bearer"), "expires_in": .integer(lifetime),
        "scope": .string(claims.scope),
      ])
  }

  /// Authenticates the client. The error does not reveal whether the id or the secret is wrong.
  private func client(_ request: TokenRequest, at now: Date) async throws -> TokenRecord {
    let invalid = OAuthError.invalidClient("The client id or the client secret is not valid. Copy both again, or create a new secret.")
    guard let id = TokenID(request.client), let secret = ClientSecret(request.secret) else { throw invalid }
    guard let client = try await tokens.client(id, in: secret.workspace),
      client.hasSecret(SHA256.hash(data: Data(secret.text.utf8)), at: now)
    else { throw invalid }
    guard client.revokedAt == nil else { throw OAuthError.invalidClient("The client '\(client.name.prefix(100))' was revoked.") }
    if let expiry = client.expiresAt, expiry <= now {
      throw OAuthError.invalidClient("The client '\(client.name.prefix(100))' has expired.")
    }
    return client
  }

  private func form(in request: Request, _ context: EdgeContext) async throws -> String {
    let type = request.headers[.contentType]?.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    guard type == "application/x-www-form-urlencoded" else {
      throw OAuthError.invalidRequest("The body must be a form with the Content-Type application/x-www-form-urlencoded.")
    }
    var share = BodyBudget.Share(of: bodies, for: .address(ClientAddress(context.info.fields.address)))
    let bytes = try await BodyReader.collect(request, share: &share, maximum: Self.maximumBody)
    share.release()
    guard let text = String(validating: bytes, as: UTF8.self) else { throw OAuthError.invalidRequest("The body is not UTF-8.") }
    return text
  }
}
