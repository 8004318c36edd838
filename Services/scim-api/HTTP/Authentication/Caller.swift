import Crypto
import Foundation
import Models
import SCIM

/// A stored token, OAuth client, session or link, with its workspace.
package struct TokenRecord: Sendable {
  /// The id of the token, client or session.
  package var token: TokenID
  /// Whether it is a token, a client, a session or a link.
  package var kind = TokenKind.token
  /// The name of the token or client; for a session, the person.
  package var name: String
  /// The SHA-256 of the token's text, or of the secret of a client or session.
  package var digest: [UInt8]
  /// The previous secret of a client or session, which may still be valid.
  package var former: FormerSecret?
  /// The granted scopes.
  package var scopes: Set<TokenScope>
  /// When it expires; nil if never.
  package var expiresAt: Date?
  /// When it was revoked; nil if it was not.
  package var revokedAt: Date?
  /// The workspace that it belongs to.
  package var workspace: WorkspaceID
  /// The settings of the workspace.
  package var settings: WorkspaceSettings
  /// The schemas of the workspace.
  package var schemas: ResourceSchemas

  /// A record of a credential, by default an API access token without an expiry.
  ///
  /// - Parameter digest: the SHA-256 of the token's text, or of the secret of a client or session.
  package init(
    token: TokenID, kind: TokenKind = .token, name: String, digest: [UInt8], former: FormerSecret? = nil, scopes: Set<TokenScope>,
    expiresAt: Date? = nil, revokedAt: Date? = nil, workspace: WorkspaceID, settings: WorkspaceSettings, schemas: ResourceSchemas
  ) {
    self.token = token
    self.kind = kind
    self.name = name
    self.digest = digest
    self.former = former
    self.scopes = scopes
    self.expiresAt = expiresAt
    self.revokedAt = revokedAt
    self.workspace = workspace
    self.settings = settings
    self.schemas = schemas
  }

  /// A replaced secret that is still valid for a limited time.
  package struct FormerSecret: Sendable {
    /// The SHA-256 of the secret.
    package var digest: [UInt8]
    /// When it stops being valid.
    package var until: Date

    /// A secret that is valid until `until`, by its SHA-256.
    package init(digest: [UInt8], until: Date) {
      self.digest = digest
      self.until = until
    }
  }

  /// Whether `digest` is the SHA-256 of the current secret, or of the former one while that is valid. Compares in constant time.
  package func hasSecret(_ digest: SHA256.Digest, at now: Date) -> Bool {
    let isCurrent = digest == self.digest
    let isFormer = former.map { (digest == $0.digest) && now < $0.until } ?? false
    return isCurrent || isFormer
  }
}

/// The authenticated caller of a request.
package struct Caller: Sendable {
  /// The id of the API access token, OAuth client or console session.
  package var token: TokenID
  /// The kind of credential.
  package var kind: TokenKind
  /// The name of the credential; for a session, the person.
  package var name: String
  /// The workspace that it belongs to.
  package var workspace: WorkspaceID
  /// The settings of the workspace.
  package var settings: WorkspaceSettings
  /// The schemas of the workspace.
  package var schemas: ResourceSchemas

  /// Authorizes the credential of `record` for `scope` at `now`.
  ///
  /// The scope for SCIM also requires that the workspace has the enterprise plan, SAML SSO and the opt-in.
  ///
  /// - Throws: 401 if the credential is revoked or expired; 403 if it lacks the scope, or the workspace cannot use SCIM.
  package init(_ record: TokenRecord, for scope: TokenScope, at now: Date) throws(APIError) {
    if record.revokedAt != nil { throw .revoked(record.kind, record.name) }
    if let expiry = record.expiresAt, expiry <= now { throw .expired(record.kind, record.name) }
    guard record.scopes.contains(scope) else { throw .scopeMissing(scope, record.kind, record.name) }
    if scope == .scim, let obstacle = record.settings.scimObstacle {
      throw .closedWorkspace(obstacle, plan: record.settings.plan)
    }
    token = record.token
    kind = record.kind
    name = record.name
    workspace = record.workspace
    settings = record.settings
    schemas = record.schemas
  }

  /// The caller's console session; nil for other credentials.
  package var session: TokenID? { kind == .session ? token : nil }

  /// The actor of the caller's commands.
  package var actor: Command.Actor {
    switch kind {
    case .token: .token(token)
    case .client: .client(token)
    case .session, .link: .console(name)
    }
  }
}
