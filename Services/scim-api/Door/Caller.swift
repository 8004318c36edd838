import Foundation
import Models
import SCIM

/// A token as the store has it, with the workspace it belongs to.
struct TokenRecord: Sendable {
  var token: TokenID
  var name: String
  var digest: [UInt8]
  var scopes: Set<TokenScope>
  var expiresAt: Date?
  var revokedAt: Date?
  var workspace: WorkspaceID
  var settings: WorkspaceSettings
  /// The schemas that hold in the workspace.
  var schemas: ResourceSchemas
}

/// Who calls, once let in.
struct Caller: Sendable {
  var token: TokenID
  var workspace: WorkspaceID
  var settings: WorkspaceSettings
  var schemas: ResourceSchemas

  /// Lets the bearer of `record` in where it may be used for `scope` at `now`.
  ///
  /// SCIM asks for more than a good token: the workspace has to have the plan, SSO and the opt-in.
  init(_ record: TokenRecord, for scope: TokenScope, at now: Date) throws(Refusal) {
    if record.revokedAt != nil { throw .revokedToken(record.name) }
    if let expiry = record.expiresAt, expiry <= now { throw .expiredToken(record.name) }
    guard record.scopes.contains(scope) else { throw .scopeMissing(scope, name: record.name) }
    if scope == .scim, let obstacle = record.settings.scimObstacle {
      throw .closedWorkspace(obstacle, plan: record.settings.plan)
    }
    token = record.token
    workspace = record.workspace
    settings = record.settings
    schemas = record.schemas
  }
}
