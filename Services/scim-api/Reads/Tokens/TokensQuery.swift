import EdgeHTTP
import Foundation
import Models
import Postgres

/// A token or an OAuth client, without its secret.
package struct ListedToken: Sendable {
  /// The id.
  package var id: TokenID
  /// Whether it is a token or a client.
  package var kind: TokenKind
  /// The name.
  package var name: String
  /// The granted scopes.
  package var scopes: [TokenScope]
  /// When it expires; nil if never.
  package var expiresAt: Date?
  /// When it was revoked; nil if it was not.
  package var revokedAt: Date?
  /// The actor who created it.
  package var createdBy: String
  /// When it was created.
  package var createdAt: Date
  /// The token that it replaces.
  package var predecessor: RelatedToken?
  /// The valid token that replaces it.
  package var successor: RelatedToken?
  /// Its last use; nil if it was never used.
  package var lastUse: Use?
  /// When the previous secret of a client expires.
  package var formerUntil: Date?

  /// The predecessor or successor of a rotated token.
  package struct RelatedToken: Sendable {
    /// The id.
    package var id: TokenID
    /// The name.
    package var name: String
    /// Whether it is neither revoked nor expired.
    package var isActive: Bool
    /// When it was last used; nil if never.
    package var lastUsedAt: Date?

    /// A predecessor or successor.
    package init(id: TokenID, name: String, isActive: Bool, lastUsedAt: Date?) {
      self.id = id
      self.name = name
      self.isActive = isActive
      self.lastUsedAt = lastUsedAt
    }
  }

  /// The last use of a token.
  package struct Use: Sendable {
    /// The time.
    package var at: Date
    /// The client address; empty if the token has too many addresses to count separately.
    package var address: String

    /// A use from `address`.
    package init(at: Date, address: String) {
      self.at = at
      self.address = address
    }
  }

  /// Whether the token is neither revoked nor expired.
  package func isActive(at now: Date) -> Bool { revokedAt == nil && expiresAt.map { now < $0 } ?? true }
}

/// The uses of a token on a day from an address.
package struct TokenUse: Sendable {
  /// The day in UTC, such as `2026-01-31`.
  package var day: String
  /// The address; empty for all beyond those that are counted separately.
  package var address: String
  /// The number of uses.
  package var count: Int
  /// The last of them.
  package var lastUsedAt: Date

  /// The uses on a day from an address.
  package init(day: String, address: String, count: Int, lastUsedAt: Date) {
    self.day = day
    self.address = address
    self.count = count
    self.lastUsedAt = lastUsedAt
  }
}

/// Reads the tokens and OAuth clients of a workspace, without their secrets.
package struct TokensQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The tokens, newest first.
  ///
  /// - Parameters:
  ///   - kinds: whether to read tokens, clients or both.
  ///   - ended: whether to read the revoked and expired tokens, or the others.
  ///   - last: the last token of the previous page.
  package func tokens(
    _ kinds: [TokenKind] = [.token, .client], ended: Bool, after last: TokenID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [ListedToken] {
    try await database.query(
      Self.list,
      [
        .uuid(workspace.uuid), .optional(last?.uuid, PostgresValue.uuid), .bool(ended), .int(Int64(limit)),
        .textArray(kinds.map(\.rawValue)),
      ], in: workspace
    ).map { try ListedToken($0) }
  }

  /// A token; nil if the workspace has none with this id.
  package func token(_ id: TokenID, in workspace: WorkspaceID) async throws -> ListedToken? {
    try await database.query(Self.one, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map { try ListedToken($0) }
  }

  /// The uses of a token, newest first.
  package func uses(of id: TokenID, limit: Int, in workspace: WorkspaceID) async throws -> [TokenUse] {
    try await database.query(Self.useStatement, [.uuid(workspace.uuid), .uuid(id.uuid), .int(Int64(limit))], in: workspace).map { row in
      TokenUse(day: try row.string(0), address: try row.string(1), count: try row.int(2), lastUsedAt: try row.timestamp(3))
    }
  }

  private static let columns = """
    t.id, t.kind, t.name, t.scopes, t.expires_at, t.revoked_at, t.created_by, t.created_at, t.former_until,
    p.id, p.name, p.revoked_at is null and (p.expires_at is null or p.expires_at > now()), (
      select max(u.last_used_at) from identity_read.token_uses u where u.workspace_id = $1 and u.token_id = p.id
    ),
    s.id, s.name, s.last_used_at, used.last_used_at, used.address
    """

  private static let joins = """
    left join identity_read.tokens p on p.workspace_id = $1 and p.id = t.predecessor_id
    left join lateral (
      select n.id, n.name, (
        select max(u.last_used_at) from identity_read.token_uses u where u.workspace_id = $1 and u.token_id = n.id
      ) as last_used_at
      from identity_read.tokens n
      where n.workspace_id = $1
      and n.predecessor_id = t.id
      and n.revoked_at is null
      and (n.expires_at is null or n.expires_at > now())
      order by n.created_at desc, n.id desc
      limit 1
    ) s on true
    left join lateral (
      select u.last_used_at, u.address
      from identity_read.token_uses u
      where u.workspace_id = $1
      and u.token_id = t.id
      order by u.last_used_at desc
      limit 1
    ) used on true
    """

  // By time of creation, since an id that is derived from an idempotency key has no time. Few tokens: sorting them is cheap.
  private static let list = Statement(
    "console_tokens",
    """
    select \(columns)
    from identity_read.tokens t
    \(joins)
    where t.workspace_id = $1
    and t.kind = any ($5)
    and ($2::uuid is null or (t.created_at, t.id) < (
      select l.created_at, l.id
      from identity_read.tokens l
      where l.workspace_id = $1
      and l.id = $2
    ))
    and (t.revoked_at is not null or (t.expires_at is not null and t.expires_at <= now())) = $3
    order by t.created_at desc, t.id desc
    limit $4
    """)

  private static let one = Statement(
    "console_token",
    """
    select \(columns)
    from identity_read.tokens t
    \(joins)
    where t.workspace_id = $1
    and t.id = $2
    and t.kind in ('token', 'client')
    """)

  /// The SHA-256 of a token's text, or of a client's present secret; nil if the workspace has none with this id.
  package func digest(of id: TokenID, in workspace: WorkspaceID) async throws -> [UInt8]? {
    try await database.query(Self.digestStatement, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first?.bytes(0)
  }

  private static let digestStatement = Statement(
    "scim_api_token_digest",
    """
    select digest
    from identity_read.tokens
    where workspace_id = $1
    and id = $2
    """)

  private static let useStatement = Statement(
    "console_token_uses",
    """
    select day::text, address, uses, last_used_at
    from identity_read.token_uses
    where workspace_id = $1
    and token_id = $2
    order by day desc, last_used_at desc
    limit $3
    """)
}

extension ListedToken {
  fileprivate init(_ row: Row) throws {
    id = TokenID(try row.uuid(0))
    kind = TokenKind(rawValue: try row.string(1)) ?? .token
    name = try row.string(2)
    scopes = try row.textArray(3).compactMap { TokenScope(rawValue: $0) }
    expiresAt = try row.optionalTimestamp(4)
    revokedAt = try row.optionalTimestamp(5)
    createdBy = try row.string(6)
    createdAt = try row.timestamp(7)
    formerUntil = try row.optionalTimestamp(8)
    if let id = try row.optionalUUID(9) {
      predecessor = RelatedToken(
        id: TokenID(id), name: try row.string(10), isActive: try row.bool(11), lastUsedAt: try row.optionalTimestamp(12))
    }
    if let id = try row.optionalUUID(13) {
      successor = RelatedToken(id: TokenID(id), name: try row.string(14), isActive: true, lastUsedAt: try row.optionalTimestamp(15))
    }
    if let at = try row.optionalTimestamp(16) { lastUse = Use(at: at, address: try row.string(17)) }
  }
}
