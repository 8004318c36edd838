import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres

/// A token or an OAuth client, without its secret.
struct ListedToken: Sendable {
  var id: TokenID
  var kind: TokenKind
  var name: String
  var scopes: [TokenScope]
  var expiresAt: Date?
  var revokedAt: Date?
  var createdBy: String
  var createdAt: Date
  var predecessor: RelatedToken?
  var successor: RelatedToken?
  var lastUse: Use?
  /// When the previous secret of a client expires.
  var formerUntil: Date?

  /// The predecessor or successor of a rotated token.
  struct RelatedToken: Sendable {
    var id: TokenID
    var name: String
    var isActive: Bool
    var lastUsedAt: Date?
  }

  /// The last use of a token.
  struct Use: Sendable {
    var at: Date
    /// The client address; empty if the token has too many addresses to count separately.
    var address: String
  }

  /// Whether the token is neither revoked nor expired.
  func isActive(at now: Date) -> Bool { revokedAt == nil && expiresAt.map { now < $0 } ?? true }
}

/// The uses of a token on a day from an address.
struct TokenUse: Sendable {
  var day: String
  var address: String
  var count: Int
  var lastUsedAt: Date
}

/// Reads the tokens and OAuth clients of a workspace, without their secrets.
struct TokensQuery: Sendable {
  let database: Database

  /// The tokens, newest first.
  ///
  /// - Parameters:
  ///   - ended: whether to read the revoked and expired tokens, or the others.
  ///   - last: the last token of the previous page.
  func tokens(ended: Bool, after last: TokenID?, limit: Int, in workspace: WorkspaceID) async throws -> [ListedToken] {
    // Ids are ordered by creation time. This is the highest one.
    let last = last?.uuid ?? UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
    return try await database.query(
      Self.list, [.uuid(workspace.uuid), .uuid(last), .bool(ended), .int(Int64(limit))], in: workspace
    ).map { try ListedToken($0) }
  }

  /// A token; nil if the workspace has none with this id.
  func token(_ id: TokenID, in workspace: WorkspaceID) async throws -> ListedToken? {
    try await database.query(Self.one, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map { try ListedToken($0) }
  }

  /// The uses of a token, newest first.
  func uses(of id: TokenID, limit: Int, in workspace: WorkspaceID) async throws -> [TokenUse] {
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
      order by n.id desc
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

  private static let list = Statement(
    "console_tokens",
    """
    select \(columns)
    from identity_read.tokens t
    \(joins)
    where t.workspace_id = $1
    and t.kind in ('token', 'client')
    and t.id < $2
    and (t.revoked_at is not null or (t.expires_at is not null and t.expires_at <= now())) = $3
    order by t.id desc
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
