import Foundation
import Models
import Postgres
import SCIM
import WorkspaceSchemas

/// Reads tokens with their workspaces.
struct TokenLookup: Sendable {
  let database: Database

  private static let statement = Statement(
    "scim_api_token",
    """
    select t.id, t.name, t.digest, t.scopes, t.expires_at, t.revoked_at, w.settings::text
    from identity_read.tokens t
    join identity_read.workspaces w on w.id = t.workspace_id
    where t.workspace_id = $1
    and t.digest = $2
    """)

  func record(_ workspace: WorkspaceID, digest: [UInt8]) async throws -> TokenRecord? {
    let rows = try await database.query(Self.statement, [.uuid(workspace.uuid), .bytes(digest)], in: workspace)
    guard let row = rows.first else { return nil }
    let settings: WorkspaceSettings = try JSONData.decode(from: try row.bytes(6), type: "workspace settings")
    return TokenRecord(
      token: TokenID(try row.uuid(0)), name: try row.string(1), digest: try row.bytes(2),
      // A scope that a newer build has brought is of no use here.
      scopes: Set(try row.textArray(3).compactMap { TokenScope(rawValue: $0) }), expiresAt: try row.optionalTimestamp(4),
      revokedAt: try row.optionalTimestamp(5), workspace: workspace, settings: settings,
      schemas: settings.schemas)
  }
}
