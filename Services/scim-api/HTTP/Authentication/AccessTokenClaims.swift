import Foundation
import JWTKit
import Models
import Primitives

/// The claims of an OAuth client's access token, a JWT as in RFC 9068.
package struct AccessTokenClaims: JWTPayload, Equatable {
  /// The site that issued the token, such as `https://app.example.com`.
  package var issuer: String
  var audience: String
  /// The client's id, the same as ``clientID``, since the client acts on its own behalf (RFC 9068 §2.2).
  package var subject: String
  /// The client's id.
  package var clientID: String
  /// The workspace of the client.
  package var workspace: String
  /// The scopes, separated by spaces (RFC 6749 §3.3).
  package var scope: String
  /// When the token was issued, in seconds since 1970.
  package var issuedAt: Int64
  /// When the token expires, in seconds since 1970.
  package var expiresAt: Int64
  /// The id of the token.
  package var id: String

  enum CodingKeys: String, CodingKey {
    case issuer = "iss"
    case audience = "aud"
    case subject = "sub"
    case clientID = "client_id"
    case workspace
    case scope
    case issuedAt = "iat"
    case expiresAt = "exp"
    case id = "jti"
  }

  /// The value of `typ` in the header (RFC 9068 §2.1). It distinguishes access tokens from other tokens signed with the same key.
  package static let type = "at+jwt"

  /// The claims of a token that is issued at `now`, with a lifetime in seconds.
  package init(
    client: TokenID, of workspace: WorkspaceID, scopes: Set<TokenScope>, at site: Site, from now: Date, lifetime: Int64, id: UUID
  ) {
    issuer = site.url
    audience = Self.audience(of: site.url)
    subject = "\(client)"
    clientID = "\(client)"
    self.workspace = "\(workspace)"
    scope = scopes.map(\.rawValue).sorted().joined(separator: " ")
    issuedAt = Int64(now.timeIntervalSince1970)
    expiresAt = issuedAt + lifetime
    self.id = UUIDText.text(id)
  }

  static func audience(of site: String) -> String { site + "/api/v2" }

  /// The known scopes of the token.
  package var scopes: Set<TokenScope> { Set(scope.split(separator: " ").compactMap { TokenScope(rawValue: String($0)) }) }

  /// Checks that the token has not expired and was issued for `host`. The scheme and the port may differ, since a proxy may change them.
  ///
  /// - Throws: 401 if the token is not valid.
  package func check(for host: String, at now: Date) throws(APIError) {
    guard expiresAt > Int64(now.timeIntervalSince1970) else { throw .expiredAccessToken() }
    let called = URL(string: audience)?.host()?.lowercased() ?? ""
    guard called == host || "[\(called)]" == host else { throw .accessTokenOfOtherHost(audience, host) }
  }

  /// Does nothing: ``check(for:at:)`` verifies the claims, with the time as a parameter.
  package func verify(using _: some JWTAlgorithm) {}
}

extension APIError {
  fileprivate static func expiredAccessToken() -> APIError {
    challenge("invalid_token", "The access token has expired. Request a new one with the OAuth client's id and secret.")
  }

  fileprivate static func accessTokenOfOtherHost(_ audience: String, _ host: String) -> APIError {
    challenge(
      "invalid_token",
      """
      The access token is for '\(audience.prefix(300))', not for '\(host)'. Enter the token endpoint and the SCIM URL of the same host in \
      the identity provider.
      """
    ).forProduct(
      "The access token is for '\(audience.prefix(300))', not for '\(host)'. Request the token and call the API at the same host.")
  }
}
