import Crypto
import Foundation
import JWTKit
import Models
import Primitives
import Synchronization

/// Verifies the access tokens of OAuth clients, and caches the claims of verified tokens.
package final class AccessTokenVerifier: Sendable {
  private struct Header: Decodable {
    var alg: String?
    var typ: String?
    var kid: String?
  }

  private let keys: SigningKeyCache
  private let verified = Mutex<[SHA256.Digest: AccessTokenClaims]>([:])
  private let maximumEntries: Int

  /// A verifier with the deployment's signing keys that caches up to `maximumEntries` tokens.
  package init(keys: SigningKeyCache, maximumEntries: Int = 10_000) {
    self.keys = keys
    self.maximumEntries = maximumEntries
  }

  /// Whether `text` has the form of a signed token (RFC 7515 §3.1). Other text is not verified.
  static func isPossible(_ text: Substring) -> Bool {
    text.hasPrefix("eyJ") && text.utf8.count <= 4096 && text.utf8.count { $0 == UInt8(ascii: ".") } == 2
  }

  /// The claims of a token. They are not checked: see ``AccessTokenClaims/check(for:at:)``.
  ///
  /// - Throws: 401 if it is not an access token signed with a key of this deployment; the database's errors.
  package func claims(of text: Substring, at now: Date) async throws -> AccessTokenClaims {
    let digest = SHA256.hash(data: Data(text.utf8))
    if let known = verified.withLock({ $0[digest] }) { return known }
    guard let header = Self.header(of: text), header.alg == "ES256", header.typ?.lowercased() == AccessTokenClaims.type,
      let kid = header.kid, let verifier = try await keys.verifier(kid)
    else { throw APIError.malformedToken() }
    let claims: AccessTokenClaims
    do {
      claims = try await verifier.verify(String(text), as: AccessTokenClaims.self)
    } catch {
      throw APIError.malformedToken()
    }
    verified.withLock { verified in
      if verified.count >= maximumEntries {
        verified = verified.filter { $0.value.expiresAt > Int64(now.timeIntervalSince1970) }
        if verified.count >= maximumEntries { verified.removeAll(keepingCapacity: true) }
      }
      verified[digest] = claims
    }
    return claims
  }

  /// Whether the token is in the cache.
  package func knows(_ text: Substring) -> Bool {
    let digest = SHA256.hash(data: Data(text.utf8))
    return verified.withLock { $0[digest] != nil }
  }

  private static func header(of text: Substring) -> Header? {
    guard let bytes = Base64URL.decode(text.utf8.prefix { $0 != UInt8(ascii: ".") }) else { return nil }
    // A token with a malformed header is not one of this deployment.
    return try? JSONDecoder().decode(Header.self, from: Data(bytes))
  }
}
