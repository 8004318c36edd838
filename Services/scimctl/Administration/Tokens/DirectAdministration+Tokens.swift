import Credentials
import Foundation
import Models
import Postgres

extension DirectAdministration: TokenAdministration {
  func tokens(_ kind: TokenKind, of owner: TokenOwner) async throws -> [TokenRow] {
    try await pool.query(TokenQueries.tokens, [.uuid(owner.id.uuid), .text(kind.rawValue)]).map { row in
      let (expiresAt, revokedAt) = (try row.optionalTimestamp(4), try row.optionalTimestamp(5))
      return TokenRow(
        id: TokenID(try row.uuid(0)), name: try row.string(1), scopes: try row.textArray(2),
        status: TokenRow.status(expiresAt: expiresAt, revokedAt: revokedAt, now: .now), createdAt: try row.timestamp(3),
        expiresAt: expiresAt, revokedAt: revokedAt, lastUse: try row.optionalTimestamp(6).map { TokenRow.LastUse(at: $0) })
    }
  }

  func token(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws -> TokenRow? {
    guard let row = try await stored(id, kind, of: owner) else { return nil }
    let (expiresAt, revokedAt) = (try row.optionalTimestamp(4), try row.optionalTimestamp(5))
    var token = TokenRow(
      id: id, name: try row.string(0), scopes: try row.textArray(1),
      status: TokenRow.status(expiresAt: expiresAt, revokedAt: revokedAt, now: .now), createdAt: try row.timestamp(2),
      createdBy: try row.string(3), expiresAt: expiresAt, revokedAt: revokedAt)
    token.predecessor = try row.optionalUUID(6).map { TokenID($0) }
    token.successor = try row.textArray(7).last.flatMap { TokenID($0) }
    token.formerSecretExpiresAt = try row.optionalTimestamp(8)
    token.uses = try await pool.query(TokenQueries.tokenUses, [.uuid(owner.id.uuid), .uuid(id.uuid)]).map { use in
      let address = try use.string(1)
      return TokenRow.Use(
        day: try use.string(0), address: address.isEmpty ? nil : address, count: try use.int(2), lastUsedAt: try use.timestamp(3))
    }
    return token
  }

  func issue(_ wanted: WantedToken, _ kind: TokenKind, for owner: TokenOwner) async throws -> IssuedSecret {
    let secret = kind == .client ? ClientSecret.made(for: owner.id).text : AccessToken.made(for: owner.id).text
    let grant = wanted.grant(kind, secret: secret, at: .now)
    try await execute(.issueToken(grant), in: owner.id)
    return IssuedSecret(id: grant.token, secret: secret)
  }

  func rotateToken(_ rotation: WantedRotation, of owner: TokenOwner) async throws -> IssuedSecret {
    let token = AccessToken.made(for: owner.id)
    let command = rotation.command(to: token, at: .now)
    try await execute(.rotateToken(command), in: owner.id)
    return IssuedSecret(id: command.successor, secret: token.text)
  }

  func rotateSecret(of client: TokenID, formerUntil: Date?, in owner: TokenOwner) async throws -> IssuedSecret {
    let secret = ClientSecret.made(for: owner.id).text
    let rotation = SecretRotation(client: client, digest: SecretDigest.hex(of: secret), formerUntil: formerUntil)
    try await execute(.rotateSecret(rotation), in: owner.id)
    return IssuedSecret(id: client, secret: secret)
  }

  func revoke(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws {
    guard try await stored(id, kind, of: owner) != nil else { throw ScimctlError.unknownToken(id, kind, of: owner) }
    try await execute(.revokeToken(TokenRevocation(token: id)), in: owner.id)
  }

  private func stored(_ id: TokenID, _ kind: TokenKind, of owner: TokenOwner) async throws -> Row? {
    try await pool.query(TokenQueries.token, [.uuid(owner.id.uuid), .uuid(id.uuid), .text(kind.rawValue)]).first
  }
}

extension WantedToken {
  /// The token as identity-store stores it: only the digest of its secret.
  func grant(_ kind: TokenKind, secret: String, at time: Date) -> TokenGrant {
    TokenGrant(token: .made(at: time), kind: kind, name: name, scopes: scopes, digest: SecretDigest.hex(of: secret), expiresAt: expiresAt)
  }
}

extension WantedRotation {
  /// The command for identity-store, which contains only the digest of the token.
  func command(to token: AccessToken, at time: Date) -> TokenRotation {
    TokenRotation(
      token: self.token, successor: .made(at: time), digest: SecretDigest.hex(of: token.text), retiresAt: retiresAt, expiresAt: expiresAt)
  }
}
