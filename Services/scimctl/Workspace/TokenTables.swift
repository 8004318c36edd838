import Foundation
import Models
import Postgres

/// What is shown of tokens and of OAuth clients, and their end.
enum TokenTables {
  static func list(_ kind: TokenKind, in workspace: WorkspaceOption) async throws -> Table {
    let settings = try await Settings.forReading()
    return try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(Queries.tokens, [.uuid(workspace.id.uuid), .text(kind.rawValue)]) {
        table.append([
          "\(TokenID(try row.uuid(0)))",
          standing(expiresAt: try row.optionalTimestamp(4), revokedAt: try row.optionalTimestamp(5), now: .now),
          try row.textArray(2).joined(separator: ","), Timestamp.text(try row.timestamp(3)),
          try row.optionalTimestamp(6).map(Timestamp.text), try row.string(1),
        ])
      }
      return table
    }
  }

  static func show(_ id: TokenID, _ kind: TokenKind, in workspace: WorkspaceOption) async throws {
    let settings = try await Settings.forReading()
    let (facts, uses) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      guard let row = try await stored(id, kind, in: workspace, on: pool) else { throw unknown(id, kind, in: workspace) }
      var uses = Table()
      for use in try await pool.query(Queries.tokenUses, [.uuid(workspace.id.uuid), .uuid(id.uuid)]) {
        let address = try use.string(1)
        uses.append([
          try use.string(0), address.isEmpty ? "others" : address, String(try use.int(2)), Timestamp.text(try use.timestamp(3)),
        ])
      }
      return (try description(of: id, row), uses)
    }
    facts.print()
    uses.print()
  }

  /// - Returns: The slug of the workspace.
  static func revoke(_ id: TokenID, _ kind: TokenKind, in workspace: WorkspaceOption) async throws -> String {
    let settings = try await Settings.forWriting()
    return try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      guard try await stored(id, kind, in: workspace, on: pool) != nil else { throw unknown(id, kind, in: workspace) }
      try await CommandClient(settings, pool: pool).carryOut(.revokeToken(TokenRevocation(token: id)), in: workspace.id)
      return workspace.settings.slug
    }
  }

  static func standing(expiresAt: Date?, revokedAt: Date?, now: Date) -> String {
    if revokedAt != nil { return "revoked" }
    if let expiresAt, expiresAt <= now { return "expired" }
    return "good"
  }

  private static func stored(_ id: TokenID, _ kind: TokenKind, in workspace: KnownWorkspace, on pool: PostgresPool) async throws -> Row? {
    try await pool.query(Queries.token, [.uuid(workspace.id.uuid), .uuid(id.uuid), .text(kind.rawValue)]).first
  }

  private static func unknown(_ id: TokenID, _ kind: TokenKind, in workspace: KnownWorkspace) -> Failure {
    let (what, list) =
      switch kind {
      case .token: ("token", "scimctl token list")
      case .client: ("OAuth client", "scimctl oauth-client list")
      case .session, .link: ("session of the console", "scimctl console sessions")
      }
    return Failure(.notFound, "workspace '\(workspace.settings.slug)' has no \(what) \(id). '\(list)' shows those it has")
  }

  /// One property a line.
  private static func description(of id: TokenID, _ row: Row) throws -> Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["name", try row.string(0)])
    table.append([
      "standing", standing(expiresAt: try row.optionalTimestamp(4), revokedAt: try row.optionalTimestamp(5), now: .now),
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
