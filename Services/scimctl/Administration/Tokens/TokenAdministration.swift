import Foundation
import Models

/// Reads, issues and revokes access tokens and OAuth clients.
protocol TokenAdministration: Sendable {
  /// The tokens or OAuth clients of an owner, by creation time.
  func tokens(_ kind: TokenKind, of owner: TokenOwner) async throws -> [TokenRow]
  /// A token or OAuth client with its uses; nil if the owner has none with this id.
  func token(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws -> TokenRow?
  /// Creates an access token or an OAuth client.
  func issue(_ wanted: WantedToken, _ kind: TokenKind, for owner: TokenOwner) async throws -> IssuedSecret
  /// Creates a token with the name and scopes of another one.
  func rotateToken(_ rotation: WantedRotation, of owner: TokenOwner) async throws -> IssuedSecret
  /// Replaces the secret of an OAuth client.
  ///
  /// - Parameter formerUntil: When the former secret expires; nil for at once.
  func rotateSecret(of client: TokenID, formerUntil: Date?, in owner: TokenOwner) async throws -> IssuedSecret
  /// Revokes a token, an OAuth client or a console session.
  func revoke(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws
}

/// A token or OAuth client to create.
struct WantedToken: Sendable, Equatable {
  var name: String
  var scopes: Set<TokenScope>
  /// nil for forever.
  var expiresAt: Date?
}

/// A token to create in place of another one.
struct WantedRotation: Sendable, Equatable {
  /// The token to replace.
  var token: TokenID
  /// When the token to replace expires; nil for when it is revoked.
  var retiresAt: Date?
  /// When the new token expires; nil for never.
  var expiresAt: Date?
}

/// A secret that was created, and cannot be shown again.
struct IssuedSecret: Sendable, Equatable {
  /// The id of the token or OAuth client.
  var id: TokenID
  /// The secret.
  var secret: String
}

/// A token or an OAuth client without its secret, in the form of the management API.
struct TokenRow: Sendable, Equatable, Codable {
  /// The last use of a token.
  struct LastUse: Sendable, Equatable, Codable {
    var at: Date
    var address: String?
  }

  /// The uses of a token on a day from an address.
  struct Use: Sendable, Equatable, Codable {
    var day: String
    /// nil for all addresses that are not counted separately.
    var address: String?
    var count: Int
    var lastUsedAt: Date
  }

  var id: TokenID
  var name: String
  var scopes: [String]
  /// `active`, `expired` or `revoked`.
  var status: String
  var createdAt: Date
  var createdBy: String?
  var expiresAt: Date?
  var revokedAt: Date?
  var predecessor: TokenID?
  var successor: TokenID?
  var formerSecretExpiresAt: Date?
  var lastUse: LastUse?
  /// Only of a single token.
  var uses: [Use]?
}

extension TokenRow {
  /// `active`, `expired` or `revoked`.
  static func status(expiresAt: Date?, revokedAt: Date?, now: Date) -> String {
    if revokedAt != nil { return "revoked" }
    if let expiresAt, expiresAt <= now { return "expired" }
    return "active"
  }

  /// One row per token.
  static func table(of tokens: [TokenRow]) -> Table {
    var table = Table("ID", "STATUS", "SCOPES", "CREATED", "LAST USED", "NAME")
    for token in tokens {
      table.append([
        "\(token.id)", token.status, token.scopes.joined(separator: ","), Timestamp.text(token.createdAt),
        token.lastUse.map { Timestamp.text($0.at) }, token.name,
      ])
    }
    return table
  }

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["name", name])
    table.append(["status", status])
    table.append(["scopes", scopes.joined(separator: ",")])
    table.append(["created-at", Timestamp.text(createdAt)])
    table.append(["created-by", createdBy])
    table.append(["expires-at", expiresAt.map(Timestamp.text) ?? "never"])
    if let revokedAt { table.append(["revoked-at", Timestamp.text(revokedAt)]) }
    if let predecessor { table.append(["predecessor", "\(predecessor)"]) }
    if let successor { table.append(["successor", "\(successor)"]) }
    if let formerSecretExpiresAt { table.append(["former-secret-until", Timestamp.text(formerSecretExpiresAt)]) }
    return table
  }

  /// One row per day and address.
  var useTable: Table {
    var table = Table("DAY", "ADDRESS", "USES", "LAST USED")
    for use in uses ?? [] {
      table.append([use.day, use.address ?? "others", "\(use.count)", Timestamp.text(use.lastUsedAt)])
    }
    return table
  }
}

extension TokenAdministration {
  /// The token or OAuth client with this id.
  ///
  /// - Throws: ``ScimctlError`` if the owner has none.
  func existingToken(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws -> TokenRow {
    guard let token = try await token(id, kind, of: owner) else { throw ScimctlError.unknownToken(id, kind, of: owner) }
    return token
  }
}

extension ScimctlError {
  /// The error for an id that no token of the owner has.
  static func unknownToken(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) -> ScimctlError {
    let what: String
    let list: String
    switch kind {
    case .token:
      what = "token"
      list = owner.id == .deployment ? "scimctl token list --deployment" : "scimctl token list"
    case .client:
      what = "OAuth client"
      list = "scimctl oauth-client list"
    case .session, .link:
      what = "console session"
      list = "scimctl console sessions"
    }
    return ScimctlError(.notFound, "\(owner.title) has no \(what) \(id). '\(list)' lists them")
  }
}
