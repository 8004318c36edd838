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
  /// The name of the token or client; the person of a session.
  package var name: String
  /// SHA-256 of the token's text, or of the client's secret.
  package var digest: [UInt8]
  /// The secret that a client or a session had before.
  package var former: FormerSecret?
  /// The scopes that it was given.
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

  /// Creates a value with these properties.
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

  /// A secret that was replaced and is valid for a while.
  package struct FormerSecret: Sendable {
    /// SHA-256 of the secret.
    package var digest: [UInt8]
    /// When it stops being valid.
    package var until: Date

    /// Creates a value with these properties.
    package init(digest: [UInt8], until: Date) {
      self.digest = digest
      self.until = until
    }
  }

  /// Whether a client's or a session's secret has this SHA-256; takes the same time wherever it differs.
  package func hasSecret(_ digest: SHA256.Digest, at now: Date) -> Bool {
    let isCurrent = digest == self.digest
    let isFormer = former.map { (digest == $0.digest) && now < $0.until } ?? false
    return isCurrent || isFormer
  }
}

/// The authenticated caller of a request.
package struct Caller: Sendable {
  /// The API access token, OAuth client or console session that authenticated them.
  package var token: TokenID
  /// The kind of credential.
  package var kind: TokenKind
  /// The name of the credential; the person of a session.
  package var name: String
  /// The workspace that it belongs to.
  package var workspace: WorkspaceID
  /// The settings of the workspace.
  package var settings: WorkspaceSettings
  /// The schemas of the workspace.
  package var schemas: ResourceSchemas

  /// Lets the bearer of `record` in where it may be used for `scope` at `now`.
  ///
  /// SCIM asks for more than a good token: the workspace has to have the plan, SSO and the opt-in.
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

  /// Their session of the console; nil where they are not there.
  package var session: TokenID? { kind == .session ? token : nil }

  /// How commands name them.
  package var actor: Command.Actor {
    switch kind {
    case .token: .token(token)
    case .client: .client(token)
    case .session, .link: .console(name)
    }
  }
}
