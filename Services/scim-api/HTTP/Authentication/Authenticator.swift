import Credentials
import Foundation
import Hummingbird
import Models

/// Authenticates requests by API access tokens and by the access tokens of OAuth clients.
package struct Authenticator: KnownCredentials {
  /// The API access tokens and the OAuth clients.
  package let tokens: TokenCache
  /// Verifies the access tokens of OAuth clients; nil if the deployment does not use OAuth.
  package let oauth: AccessTokenVerifier?

  /// - Parameter oauth: verifies the access tokens of OAuth clients; nil if the deployment does not use OAuth.
  package init(tokens: TokenCache, oauth: AccessTokenVerifier?) {
    self.tokens = tokens
    self.oauth = oauth
  }

  /// Whether the token in an `Authorization` header was valid a moment ago. Reads memory only.
  package func knows(_ authorization: String?) -> Bool {
    guard let text = try? BearerToken.text(in: authorization) else { return false }
    return text.hasPrefix(AccessToken.prefix) ? tokens.knows(text) : oauth?.knows(text) ?? false
  }

  /// Whether the request's token was valid a moment ago.
  package func isKnown(_ request: Request) -> Bool { knows(request.headers[.authorization]) }

  /// Finds the record of the request's token or client, and records it in `info`. For a token that was never issued it records only the
  /// workspace, since anyone who knows the workspace's id can make up such a token.
  ///
  /// - Throws: 401 if the request has no valid credential; the database's errors.
  package func record(forRequestWith authorization: String?, at site: Site, _ now: Date, info: RequestInfo) async throws -> TokenRecord {
    let text = try BearerToken.text(in: authorization)
    do {
      let record = try await record(for: text, at: site, now)
      info.record(record)
      return record
    } catch let refusal as APIError where refusal.error.status == 401 {
      if let workspace = AccessToken(String(text))?.workspace { info.record(unissuedTokenOf: workspace) }
      throw refusal
    }
  }

  /// Finds the record of the API access token or, for an OAuth access token, of its client with the token's scopes.
  ///
  /// - Throws: 401 if the token is unknown or not valid at `site`; the database's errors.
  package func record(for text: Substring, at site: Site, _ now: Date) async throws -> TokenRecord {
    guard !text.hasPrefix(AccessToken.prefix), AccessTokenVerifier.isPossible(text) else { return try await tokens.record(for: text) }
    guard let oauth else { throw APIError.malformedToken() }
    let claims = try await oauth.claims(of: text, at: now)
    try claims.check(for: site.host, at: now)
    guard let workspace = WorkspaceID(claims.workspace), let id = TokenID(claims.subject),
      var record = try await tokens.client(id, in: workspace)
    else { throw APIError.unknownClient() }
    record.scopes.formIntersection(claims.scopes)
    return record
  }
}
