import Foundation
import Models
import Primitives
import SCIM

// API access tokens, OAuth clients, and the secrets of both and of the console's sessions.
extension Decider {
  mutating func issueToken(_ read: ReadCommand, _ grant: TokenGrant) throws(SCIMError) -> Reply.Outcome {
    let key = ResourceKey(workspace: read.command.workspace, id: grant.token.resource)
    let digest = try Self.digest(grant.digest)
    guard !grant.scopes.isEmpty else { throw .badRequest(.invalidValue, "At least one scope is needed for \(grant.kind.phrase).") }
    guard !grant.name.allSatisfy(\.isWhitespace), grant.name.count <= 200, grant.name.utf8.count <= TextBounds.name else {
      throw .badRequest(
        .invalidValue, "The name of \(grant.kind.phrase) has 1 to 200 characters, and at most \(TextBounds.name) bytes of UTF-8.")
    }
    try Self.checkText(grant, "The name of \(grant.kind.phrase)", maximum: TextBounds.text)
    guard state.tokens[key] == nil else { throw Self.tokenExists(grant.token) }
    let expiresAt = try openConsole(read, grant)
    state.write(
      TokenRecord(
        key: key, kind: grant.kind, name: grant.name, digest: digest, scopes: grant.scopes.sorted { $0.rawValue < $1.rawValue },
        expiresAt: expiresAt, createdBy: read.command.actor.rawValue, createdAt: now, revokedAt: nil, openedWith: grant.openedWith))
    return .done
  }

  mutating func revokeToken(_ read: ReadCommand, _ revocation: TokenRevocation) throws(SCIMError) -> Reply.Outcome {
    var token = try token(revocation.token, of: read)
    guard token.revokedAt == nil else { return .done }
    token.revokedAt = now
    state.write(token)
    return .done
  }

  /// Makes a second token beside the first. More than two are not wanted: of three nobody knows which is still in use where.
  mutating func rotateToken(_ read: ReadCommand, _ rotation: TokenRotation) throws(SCIMError) -> Reply.Outcome {
    var token = try goodToken(rotation.token, .token, of: read)
    let digest = try Self.digest(rotation.digest)
    if let successor = state.successor(of: token, at: now) {
      throw SCIMError(
        status: 409, scimType: .uniqueness,
        detail: """
          The token \(token.id) has a successor already, \(successor.id). Revoke it where it is not wanted, or rotate the successor once this \
          token is no longer in use.
          """)
    }
    let key = ResourceKey(workspace: read.command.workspace, id: rotation.successor.resource)
    guard state.tokens[key] == nil else { throw Self.tokenExists(rotation.successor) }
    state.write(
      TokenRecord(
        key: key, name: token.name, digest: digest, scopes: token.scopes, expiresAt: rotation.expiresAt,
        createdBy: read.command.actor.rawValue, createdAt: now, revokedAt: nil, predecessor: token.id))
    if let retiresAt = rotation.retiresAt {
      token.expiresAt = min(token.expiresAt ?? retiresAt, retiresAt)
      state.write(token)
    }
    return .done
  }

  mutating func rotateSecret(_ read: ReadCommand, _ rotation: SecretRotation) throws(SCIMError) -> Reply.Outcome {
    let kind: TokenKind = try token(rotation.client, of: read).kind == .session ? .session : .client
    var client = try goodToken(rotation.client, kind, of: read)
    let digest = try Self.digest(rotation.digest)
    if let present = rotation.present, try !client.hasSecret(Self.digest(present), at: now) {
      throw SCIMError(status: 409, scimType: nil, detail: "The secret has been replaced meanwhile. Nothing was changed.")
    }
    if let present = rotation.present, let former = client.former, try former.digest == Self.digest(present) {
      // Whoever still comes with the former one never got the present one.
      client.digest = former.digest
    }
    client.former = rotation.formerUntil.map { TokenRecord.FormerSecret(digest: client.digest, until: $0) }
    client.digest = digest
    state.write(client)
    return .done
  }

  /// Of tokens that are there, since an edge may have seen one that its workspace has no more.
  mutating func recordTokenUses(_ read: ReadCommand, _ uses: TokenUses) -> Reply.Outcome {
    for use in uses.uses where use.count > 0 {
      let token = ResourceKey(workspace: read.command.workspace, id: use.token.resource)
      guard state.tokens[token] != nil else { continue }
      state.count(
        WorkingSet.TokenUse(count: use.count, lastUsedAt: use.lastUsedAt), from: use.address.utf8.count <= 64 ? use.address : "",
        on: TokenDay(token: token, at: use.lastUsedAt), maximumAddresses: TokenUses.maximumAddresses)
    }
    return .done
  }

  func token(_ id: TokenID, of read: ReadCommand) throws(SCIMError) -> TokenRecord {
    guard let token = state.tokens[ResourceKey(workspace: read.command.workspace, id: id.resource)] else {
      throw SCIMError(
        status: 404, scimType: nil,
        detail: "The workspace has no token or OAuth client \(id); see 'scimctl token list' and 'scimctl oauth-client list'.")
    }
    return token
  }

  /// One of that kind that lets somebody in.
  private func goodToken(_ id: TokenID, _ kind: TokenKind, of read: ReadCommand) throws(SCIMError) -> TokenRecord {
    let token = try token(id, of: read)
    guard token.kind == kind else {
      throw .badRequest(.invalidValue, "\(id) is not \(kind.phrase), but \(token.kind.phrase).")
    }
    guard token.isGood(at: now) else {
      throw .badRequest(
        .invalidValue, "'\(token.name)' (\(id)) is \(token.revokedAt == nil ? "expired" : "revoked"). Make a new one instead.")
    }
    return token
  }

  private static func digest(_ text: String) throws(SCIMError) -> [UInt8] {
    guard let digest = Hex.decode(text.utf8), digest.count == 32 else {
      throw .badRequest(.invalidValue, "The digest of a secret is its SHA-256 in 64 hexadecimal digits.")
    }
    return digest
  }

  private static func tokenExists(_ id: TokenID) -> SCIMError {
    SCIMError(status: 409, scimType: .uniqueness, detail: "There is a token \(id) already.")
  }
}

extension TokenKind {
  /// How a refusal calls one.
  var phrase: String {
    switch self {
    case .token: "a token"
    case .client: "an OAuth client"
    case .session: "a session of the console"
    case .link: "a link into the console"
    }
  }
}
