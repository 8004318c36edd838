import Foundation
import Models
import Postgres

/// Lists, shows and revokes tokens, OAuth clients and console sessions.
enum StoredTokens {
  /// One row per token: id, status, scopes, when created, when last used, name.
  static func list(_ kind: TokenKind, of owner: TokenOwner.Option) async throws -> Table {
    let settings = try await Settings.forReading()
    return try await withDatabase(settings) { pool in
      let owner = try await owner.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(TokenQueries.tokens, [.uuid(owner.id.uuid), .text(kind.rawValue)]) {
        table.append([
          "\(TokenID(try row.uuid(0)))",
          status(expiresAt: try row.optionalTimestamp(4), revokedAt: try row.optionalTimestamp(5), now: .now),
          try row.textArray(2).joined(separator: ","), Timestamp.text(try row.timestamp(3)),
          try row.optionalTimestamp(6).map(Timestamp.text), try row.string(1),
        ])
      }
      return table
    }
  }

  /// Prints a token, and its uses by day and address.
  static func show(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner.Option) async throws {
    let settings = try await Settings.forReading()
    let (details, uses) = try await withDatabase(settings) { pool in
      let owner = try await owner.resolve(settings, on: pool)
      guard let row = try await stored(id, kind, of: owner, on: pool) else { throw unknown(id, kind, of: owner) }
      var uses = Table()
      for use in try await pool.query(TokenQueries.tokenUses, [.uuid(owner.id.uuid), .uuid(id.uuid)]) {
        let address = try use.string(1)
        uses.append([
          try use.string(0), address.isEmpty ? "others" : address, String(try use.int(2)), Timestamp.text(try use.timestamp(3)),
        ])
      }
      return (try description(of: id, row), uses)
    }
    details.print()
    uses.print()
  }

  /// Revokes a token.
  ///
  /// - Returns: The title of the owner.
  /// - Throws: ``ScimctlError`` if the owner has no such token.
  static func revoke(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner.Option) async throws -> String {
    let settings = try await Settings.forWriting()
    return try await withDatabase(settings) { pool in
      let owner = try await owner.resolve(settings, on: pool)
      guard try await stored(id, kind, of: owner, on: pool) != nil else { throw unknown(id, kind, of: owner) }
      try await withCommandClient(settings, pool: pool) { try await $0.execute(.revokeToken(TokenRevocation(token: id)), in: owner.id) }
      return owner.title
    }
  }

  /// `valid`, `expired` or `revoked`.
  static func status(expiresAt: Date?, revokedAt: Date?, now: Date) -> String {
    if revokedAt != nil { return "revoked" }
    if let expiresAt, expiresAt <= now { return "expired" }
    return "valid"
  }

  private static func stored(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner, on pool: PostgresPool) async throws -> Row? {
    try await pool.query(TokenQueries.token, [.uuid(owner.id.uuid), .uuid(id.uuid), .text(kind.rawValue)]).first
  }

  private static func unknown(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) -> ScimctlError {
    let (what, list) =
      switch kind {
      case .token: ("token", owner.id == .deployment ? "scimctl token list --deployment" : "scimctl token list")
      case .client: ("OAuth client", "scimctl oauth-client list")
      case .session, .link: ("console session", "scimctl console sessions")
      }
    return ScimctlError(.notFound, "\(owner.title) has no \(what) \(id). '\(list)' lists them")
  }

  /// One property per line.
  private static func description(of id: TokenID, _ row: Row) throws -> Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["name", try row.string(0)])
    table.append([
      "status", status(expiresAt: try row.optionalTimestamp(4), revokedAt: try row.optionalTimestamp(5), now: .now),
    ])
    table.append(["scopes", try row.textArray(1).joined(separator: ",")])
    table.append(["created-at", Timestamp.text(try row.timestamp(2))])
    table.append(["created-by", try row.string(3)])
    table.append(["expires-at", try row.optionalTimestamp(4).map(Timestamp.text) ?? "never"])
    if let revokedAt = try row.optionalTimestamp(5) { table.append(["revoked-at", Timestamp.text(revokedAt)]) }
    if let predecessor = try row.optionalUUID(6) { table.append(["predecessor", "\(TokenID(predecessor))"]) }
    for successor in try row.textArray(7) { table.append(["successor", successor]) }
    if let until = try row.optionalTimestamp(8) { table.append(["former-secret-until", Timestamp.text(until)]) }
    return table
  }
}
