import Foundation
import Models
import Postgres
import SCIM
import SCIMStorage

/// Reads tokens and OAuth clients with their workspaces.
package struct TokenLookup: Sendable {
  /// The database.
  package let database: Database

  /// The columns of a token and its workspace that ``TokenRecord/init(_:_:in:)`` reads.
  package static let columns = """
    t.id, t.name, t.digest, t.scopes, t.expires_at, t.revoked_at, w.settings::text, t.former_digest, t.former_until,
    w.version
    """

  private static let tokenStatement = Statement(
    "scim_api_token",
    """
    select \(columns)
    from identity_read.tokens t
    join identity_read.workspaces w on w.id = t.workspace_id
    where t.workspace_id = $1
    and t.digest = $2
    and t.kind = 'token'
    """)

  private static let deploymentStatement = Statement(
    "scim_api_deployment_token",
    """
    select id, name, digest, scopes, expires_at, revoked_at
    from identity_read.tokens
    where workspace_id = $1
    and digest = $2
    and kind = 'token'
    """)

  private static let clientStatement = Statement(
    "scim_api_client",
    """
    select \(columns)
    from identity_read.tokens t
    join identity_read.workspaces w on w.id = t.workspace_id
    where t.workspace_id = $1
    and t.id = $2
    and t.kind = 'client'
    """)

  /// The token with this SHA-256; nil if there is none.
  package func token(_ workspace: WorkspaceID, digest: [UInt8]) async throws -> TokenRecord? {
    if workspace == .deployment { return try await deploymentToken(digest: digest) }
    return try await record(Self.tokenStatement, .token, workspace, .bytes(digest))
  }

  /// The OAuth client with this id; nil if there is none.
  package func client(_ workspace: WorkspaceID, id: TokenID) async throws -> TokenRecord? {
    try await record(Self.clientStatement, .client, workspace, .uuid(id.uuid))
  }

  /// The deployment-wide token with this SHA-256; nil if there is none.
  private func deploymentToken(digest: [UInt8]) async throws -> TokenRecord? {
    let parameters: [PostgresValue] = [.uuid(WorkspaceID.deployment.uuid), .bytes(digest)]
    let rows = try await database.query(Self.deploymentStatement, parameters, in: .deployment)
    return try rows.first.map { row in
      TokenRecord(
        deploymentToken: TokenID(try row.uuid(0)), name: try row.string(1), digest: try row.bytes(2),
        scopes: Set(try row.textArray(3).compactMap { TokenScope(rawValue: $0) }), expiresAt: try row.optionalTimestamp(4),
        revokedAt: try row.optionalTimestamp(5))
    }
  }

  private func record(
    _ statement: Statement, _ kind: TokenKind, _ workspace: WorkspaceID, _ key: PostgresValue
  ) async throws -> TokenRecord? {
    let rows = try await database.query(statement, [.uuid(workspace.uuid), key], in: workspace)
    return try rows.first.map { try TokenRecord($0, kind, in: workspace) }
  }
}

extension TokenRecord {
  /// Reads a record from a row.
  ///
  /// - Parameter row: begins with ``TokenLookup/columns``.
  package init(_ row: Row, _ kind: TokenKind, in workspace: WorkspaceID) throws {
    let settings: WorkspaceSettings = try JSONData.decode(from: try row.bytes(6), type: "workspace settings")
    var former: TokenRecord.FormerSecret?
    if let digest = try row.optionalBytes(7), let until = try row.optionalTimestamp(8) {
      former = TokenRecord.FormerSecret(digest: digest, until: until)
    }
    self.init(
      token: TokenID(try row.uuid(0)), kind: kind, name: try row.string(1), digest: try row.bytes(2), former: former,
      // Ignores scopes that a newer version has introduced.
      scopes: Set(try row.textArray(3).compactMap { TokenScope(rawValue: $0) }), expiresAt: try row.optionalTimestamp(4),
      revokedAt: try row.optionalTimestamp(5), workspace: workspace, settings: settings,
      schemas: settings.schemas, settingsVersion: Int64(try row.int(9)))
  }
}
