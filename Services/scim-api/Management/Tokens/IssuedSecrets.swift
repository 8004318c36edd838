import Credentials
import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The secrets of tokens, OAuth clients and sign-in links that requests create.
struct IssuedSecrets: Sendable {
  private let query: TokensQuery
  /// The key from which the secrets of requests with an idempotency key are derived, so that a repeated request returns the same secret.
  private let key: SymmetricKey

  /// - Parameter cursors: has the key that all replicas share, from which that of secrets is derived.
  init(_ query: TokensQuery, _ cursors: CursorSeal) {
    self.query = query
    key = HKDF<SHA256>.deriveKey(inputKeyMaterial: cursors.key, info: Data("rollcall issued secrets 1".utf8), outputByteCount: 32)
  }

  /// The text of a new secret.
  ///
  /// - Parameter idempotency: the key of the request; nil if it has none, and the secret is random.
  func secret(_ kind: TokenKind, in workspace: WorkspaceID, once idempotency: IdempotencyKey?) -> String {
    let bytes = idempotency?.secret(sealedBy: key)
    return switch kind {
    case .client: (bytes.map { ClientSecret.made(for: workspace, secret: $0) } ?? .made(for: workspace)).text
    case .link: (bytes.map { LinkKey.made(for: workspace, secret: $0) } ?? .made(for: workspace)).text
    case .token, .session: (bytes.map { AccessToken.made(for: workspace, secret: $0) } ?? .made(for: workspace)).text
    }
  }

  /// Checks that `secret` is the one that is stored: a request that was repeated at another replica, without the same `cursor.key`, has
  /// derived another one.
  ///
  /// - Throws: 409 if it is not.
  func check(_ secret: String, of id: TokenID, in workspace: WorkspaceID, once idempotency: IdempotencyKey?) async throws {
    guard idempotency != nil else { return }
    let digest = Array(SHA256.hash(data: Data(secret.utf8)))
    guard try await query.digest(of: id, in: workspace) == digest else {
      throw ProblemDetails(
        409, .idempotencyConflict,
        """
        An earlier request with this Idempotency-Key has created the secret of \(id), which cannot be shown again. If its response was lost, \
        revoke \(id), and send the request with a new key.
        """)
    }
  }
}
