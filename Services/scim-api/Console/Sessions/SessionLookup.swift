import EdgeHTTP
import EdgeReads
import Models
import Postgres

/// Reads sessions, sign-in links and workspaces from the database.
struct SessionLookup: Sendable {
  let database: Database

  private static let sessionStatement = Statement(
    "scim_api_session",
    """
    select \(TokenLookup.columns), t.created_at, t.opened_with, o.kind, o.scopes, o.expires_at, o.revoked_at
    from identity_read.tokens t
    join identity_read.workspaces w on w.id = t.workspace_id
    left join identity_read.tokens o on o.workspace_id = t.workspace_id and o.id = t.opened_with
    where t.workspace_id = $1
    and t.id = $2
    and t.kind = 'session'
    """)

  private static let linkStatement = Statement(
    "scim_api_link",
    """
    select \(TokenLookup.columns)
    from identity_read.tokens t
    join identity_read.workspaces w on w.id = t.workspace_id
    where t.workspace_id = $1
    and t.digest = $2
    and t.kind = 'link'
    """)

  private static let slugStatement = Statement("scim_api_slug", "select identity_read.workspace_with_slug($1)")

  private static let settingsStatement = Statement(
    "scim_api_settings",
    """
    select settings::text
    from identity_read.workspaces
    where id = $1
    """)

  func session(_ workspace: WorkspaceID, _ id: TokenID) async throws -> SessionRecord? {
    let rows = try await database.query(Self.sessionStatement, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace)
    guard let row = rows.first else { return nil }
    var session = SessionRecord(token: try TokenRecord(row, .session, in: workspace), startedAt: try row.timestamp(10))
    guard let opener = try row.optionalUUID(11) else { return session }
    // Tokens are kept longer than sessions last. If the opener is gone, the session has ended.
    guard let kind = try row.optionalString(12).flatMap({ TokenKind(rawValue: $0) }) else { return nil }
    session.opener = SessionRecord.Opener(
      id: TokenID(opener), kind: kind, scopes: Set(try row.textArray(13).compactMap { TokenScope(rawValue: $0) }),
      expiresAt: try row.optionalTimestamp(14), revokedAt: try row.optionalTimestamp(15))
    return session
  }

  func link(_ workspace: WorkspaceID, digest: [UInt8]) async throws -> TokenRecord? {
    let rows = try await database.query(Self.linkStatement, [.uuid(workspace.uuid), .bytes(digest)], in: workspace)
    return try rows.first.map { try TokenRecord($0, .link, in: workspace) }
  }

  func workspace(slug: String) async throws -> WorkspaceID? {
    try await database.query(Self.slugStatement, [.text(slug)]).first?.optionalUUID(0).map { WorkspaceID($0) }
  }

  func settings(of workspace: WorkspaceID) async throws -> WorkspaceSettings? {
    let rows = try await database.query(Self.settingsStatement, [.uuid(workspace.uuid)], in: workspace)
    return try rows.first.map { try JSONData.decode(from: try $0.bytes(0), type: "workspace settings") }
  }
}

extension SessionCache {
  /// A cache of the sessions in `database`.
  package convenience init(_ database: Database) {
    let lookup = SessionLookup(database: database)
    self.init(lookup: lookup.session, links: lookup.link, slugs: lookup.workspace, settings: lookup.settings)
  }
}
