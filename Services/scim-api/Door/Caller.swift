import Crypto
import Foundation
import Models
import SCIM

/// A token, or what is kept as one, as the store has it, with the workspace it belongs to.
struct TokenRecord: Sendable {
  var token: TokenID
  var kind = TokenKind.token
  var name: String
  /// SHA-256 of the token's text, or of the client's secret.
  var digest: [UInt8]
  /// The secret that a client or a session had before.
  var former: FormerSecret?
  var scopes: Set<TokenScope>
  var expiresAt: Date?
  var revokedAt: Date?
  var workspace: WorkspaceID
  var settings: WorkspaceSettings
  /// The schemas that hold in the workspace.
  var schemas: ResourceSchemas

  struct FormerSecret: Sendable {
    var digest: [UInt8]
    var until: Date
  }

  /// Whether a client's or a session's secret has this SHA-256; takes the same time wherever it differs.
  func hasSecret(_ digest: SHA256.Digest, at now: Date) -> Bool {
    let isCurrent = digest == self.digest
    let isFormer = former.map { (digest == $0.digest) && now < $0.until } ?? false
    return isCurrent || isFormer
  }
}

/// Who calls, once let in.
struct Caller: Sendable {
  /// The API access token, the OAuth client, or the session of the console that let them in.
  var token: TokenID
  var kind: TokenKind
  /// What that is called; of a session, the person.
  var name: String
  var workspace: WorkspaceID
  var settings: WorkspaceSettings
  var schemas: ResourceSchemas

  /// Lets the bearer of `record` in where it may be used for `scope` at `now`.
  ///
  /// SCIM asks for more than a good token: the workspace has to have the plan, SSO and the opt-in.
  init(_ record: TokenRecord, for scope: TokenScope, at now: Date) throws(APIError) {
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
  var session: TokenID? { kind == .session ? token : nil }

  /// How commands name them.
  var actor: Command.Actor {
    switch kind {
    case .token: .token(token)
    case .client: .client(token)
    case .session, .link: .console(name)
    }
  }
}
