import Crypto
import Foundation
import Models
import SCIM

/// A token, or what is kept as one, as the store has it, with the workspace it belongs to.
package struct TokenRecord: Sendable {
  package var token: TokenID
  package var kind = TokenKind.token
  package var name: String
  /// SHA-256 of the token's text, or of the client's secret.
  package var digest: [UInt8]
  /// The secret that a client or a session had before.
  var former: FormerSecret?
  package var scopes: Set<TokenScope>
  package var expiresAt: Date?
  package var revokedAt: Date?
  package var workspace: WorkspaceID
  package var settings: WorkspaceSettings
  /// The schemas that hold in the workspace.
  package var schemas: ResourceSchemas

  /// Creates a value with these properties.
  package init(token: TokenID, kind: TokenKind = .token, name: String, digest: [UInt8], former: FormerSecret? = nil, scopes: Set<TokenScope>, expiresAt: Date? = nil, revokedAt: Date? = nil, workspace: WorkspaceID, settings: WorkspaceSettings, schemas: ResourceSchemas) {
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

  struct FormerSecret: Sendable {
    var digest: [UInt8]
    var until: Date

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

/// Who calls, once let in.
package struct Caller: Sendable {
  /// The API access token, the OAuth client, or the session of the console that let them in.
  package var token: TokenID
  package var kind: TokenKind
  /// What that is called; of a session, the person.
  package var name: String
  package var workspace: WorkspaceID
  package var settings: WorkspaceSettings
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
