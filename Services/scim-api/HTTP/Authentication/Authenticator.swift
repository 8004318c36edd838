import Credentials
import Foundation
import Hummingbird
import Models

/// What lets a caller in: an API access token, or an access token that an OAuth client was given.
package struct Authenticator: KnownCredentials {
  /// The tokens and OAuth clients.
  package let tokens: TokenCache
  /// nil where the deployment has no OAuth.
  package let oauth: AccessTokenVerifier?

  /// Authenticates by tokens and, if the deployment has OAuth, by signed access tokens.
  package init(tokens: TokenCache, oauth: AccessTokenVerifier?) {
    self.tokens = tokens
    self.oauth = oauth
  }

  /// Whether the request's token was good not long ago, so that it is no stranger's.
  package func knows(_ authorization: String?) -> Bool {
    guard let text = try? BearerToken.text(in: authorization) else { return false }
    return text.hasPrefix(AccessToken.prefix) ? tokens.knows(text) : oauth?.knows(text) ?? false
  }

  /// Whether the request's token was valid a moment ago.
  package func isKnown(_ request: Request) -> Bool { knows(request.headers[.authorization]) }

  /// The record of the request's token or client, which it fields in `info`. For a token that was never issued it fields the workspace only;
  /// anybody who knows the workspace's id can make such a token up.
  ///
  /// - Throws: 401 if the request has no credential, or one that is not valid any more; whatever the database throws.
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

  /// The record of the token or client that `text` is of, with the scopes that `text` has.
  ///
  /// - Throws: 401 where it is neither, or good no more; whatever the database throws.
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
