import Foundation
import JWTKit
import Models
import Primitives

/// What an access token of an OAuth client says, in the form of RFC 9068.
package struct AccessTokenClaims: JWTPayload, Equatable {
  /// The site that it was asked for at, `https://app.example.com`.
  package var issuer: String
  var audience: String
  /// The client's id, as is ``clientID``: it acts for itself (RFC 9068 §2.2).
  package var subject: String
  /// The client's id.
  package var clientID: String
  /// The workspace that the client belongs to.
  package var workspace: String
  /// Scopes with spaces between them (RFC 6749 §3.3).
  package var scope: String
  /// Seconds since 1970, as the next one.
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

  /// The value of `typ` in the header (RFC 9068 §2.1): it tells these from all other tokens that one key could sign.
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

  /// The scopes as a set, without unknown ones.
  package var scopes: Set<TokenScope> { Set(scope.split(separator: " ").compactMap { TokenScope(rawValue: String($0)) }) }

  /// - Throws: 401 where it is for another host, or good no more. (The port and the scheme may differ: what a proxy in front makes of them
  ///   is the operator's affair.)
  package func check(for host: String, at now: Date) throws(APIError) {
    guard expiresAt > Int64(now.timeIntervalSince1970) else { throw .expiredAccessToken() }
    let called = URL(string: audience)?.host()?.lowercased() ?? ""
    guard called == host || "[\(called)]" == host else { throw .accessTokenOfOtherHost(audience, host) }
  }

  /// What it says is checked by ``check(for:at:)``, with the time passed in.
  package func verify(using _: some JWTAlgorithm) {}
}

extension APIError {
  fileprivate static func expiredAccessToken() -> APIError {
    challenge("invalid_token", "The access token has expired. Ask for a new one with the OAuth client's id and secret.")
  }

  fileprivate static func accessTokenOfOtherHost(_ audience: String, _ host: String) -> APIError {
    challenge(
      "invalid_token",
      """
      The access token is for '\(audience.prefix(300))', and not for '\(host)'. Enter the token endpoint and the SCIM URL of one and the same \
      host in the identity provider.
      """)
  }
}
