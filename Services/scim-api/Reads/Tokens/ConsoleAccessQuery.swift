import EdgeHTTP
import Foundation
import Models
import Postgres

/// A valid session of the console.
package struct ListedConsoleSession: Sendable, Equatable {
  /// The id.
  package var id: TokenID
  /// The person's name.
  package var name: String
  /// When the person signed in.
  package var createdAt: Date
  /// When it expires.
  package var expiresAt: Date?
  /// The token or link that opened it, such as `link Ana`; nil for a proxy.
  package var openedWith: String?
}

/// Reads the sessions and sign-in links of a workspace's console, without their secrets.
package struct ConsoleAccessQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The valid sessions after `last`, by id. A session ends with the token that opened it.
  package func sessions(after last: TokenID?, limit: Int, in workspace: WorkspaceID) async throws -> [ListedConsoleSession] {
    let last = last?.uuid ?? UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    return try await database.query(
      Self.sessions, [.uuid(workspace.uuid), .uuid(last), .int(Int64(limit))], in: workspace
    ).map { row in
      ListedConsoleSession(
        id: TokenID(try row.uuid(0)), name: try row.string(1), createdAt: try row.timestamp(2), expiresAt: try row.optionalTimestamp(3),
        openedWith: try row.optionalString(4))
    }
  }

  /// Whether the workspace has, or had, a session with this id.
  package func hasSession(_ id: TokenID, in workspace: WorkspaceID) async throws -> Bool {
    try await kind(of: id, in: workspace).first?.string(0) == TokenKind.session.rawValue
  }

  /// When a sign-in link expires; nil if the workspace has none with this id.
  package func linkExpiry(_ id: TokenID, in workspace: WorkspaceID) async throws -> Date? {
    guard let row = try await kind(of: id, in: workspace).first, try row.string(0) == TokenKind.link.rawValue else { return nil }
    return try row.optionalTimestamp(1)
  }

  private func kind(of id: TokenID, in workspace: WorkspaceID) async throws -> Rows {
    try await database.query(Self.kind, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace)
  }

  private static let sessions = Statement(
    "management_console_sessions",
    """
    select t.id, t.name, t.created_at, t.expires_at, o.kind || ' ' || o.name
    from identity_read.tokens t
    left join identity_read.tokens o on o.workspace_id = $1 and o.id = t.opened_with
    where t.workspace_id = $1
    and t.id > $2
    and t.kind = 'session'
    and t.revoked_at is null
    and t.expires_at > now()
    and (o.kind is distinct from 'token' or (o.revoked_at is null and (o.expires_at is null or o.expires_at > now())))
    order by t.id
    limit $3::int8
    """)

  private static let kind = Statement(
    "management_console_access",
    """
    select kind, expires_at
    from identity_read.tokens
    where workspace_id = $1
    and id = $2
    """)
}
