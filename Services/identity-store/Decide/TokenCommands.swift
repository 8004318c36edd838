import Foundation
import Models
import Primitives
import SCIM

// Commands about access tokens, OAuth clients, console sessions and console links.

/// A command about tokens: of a workspace, or of the deployment, which has no row among the workspaces.
protocol TokenCommand: DecidableCommand {
  /// - Throws: The SCIM error with which the command is refused. Nothing is written then.
  func decideTokens(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome
}

extension TokenCommand {
  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    if command.workspace != .deployment {
      guard let workspace = decider.state.workspaces[command.workspace] else { throw .workspaceNotFound(command.workspace) }
      // Nobody can sign in to a workspace that is suspended until its deletion.
      if let deletion = workspace.settings.deletion, !(self is TokenRevocation) { throw .workspaceInDeletion(deletion) }
    }
    return try decideTokens(command, by: &decider)
  }
}

extension TokenGrant: TokenCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.insertToken(token, of: command)
    if let openedWith { writeSet.openers.insert(ResourceKey(workspace: command.workspace, id: openedWith.resource)) }
  }

  func decideTokens(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.issueToken(command, self)
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { decider.auditTarget(token, of: command) }
}

extension TokenRevocation: TokenCommand {
  /// Revocations by services are audited as well: scim-api ends a session when its cookie was copied.
  var auditScope: AuditScope { .everyone }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.insertToken(token, of: command)
  }

  func decideTokens(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    var token = try decider.token(token, of: command)
    guard token.revokedAt == nil else { return .done }
    token.revokedAt = decider.now
    decider.state.write(token)
    return .done
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { decider.auditTarget(token, of: command) }
}

/// Creates a second token that is valid alongside the first. A third is refused, so that it stays clear which token is in use.
extension TokenRotation: TokenCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.insertToken(token, of: command)
    writeSet.insertToken(successor, of: command)
  }

  func decideTokens(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.rotateToken(command, self)
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { decider.auditTarget(token, of: command) }
}

extension SecretRotation: TokenCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.insertToken(client, of: command)
  }

  func decideTokens(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.rotateSecret(command, self)
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { decider.auditTarget(client, of: command) }
}

extension TokenUses: TokenCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    for use in uses {
      let token = ResourceKey(workspace: command.workspace, id: use.token.resource)
      writeSet.tokens.insert(token)
      writeSet.tokenDays.insert(TokenDay(token: token, at: use.lastUsedAt))
    }
  }

  /// Skips tokens that do not exist: the token cache of scim-api may still contain a deleted one.
  func decideTokens(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    for use in uses where use.count > 0 {
      let token = ResourceKey(workspace: command.workspace, id: use.token.resource)
      guard decider.state.tokens[token] != nil else { continue }
      decider.state.count(
        WorkingSet.TokenUse(count: use.count, lastUsedAt: use.lastUsedAt), from: use.address.utf8.count <= 64 ? use.address : "",
        on: TokenDay(token: token, at: use.lastUsedAt), maximumAddresses: Self.maximumAddresses)
    }
    return .done
  }
}

extension WriteSet {
  fileprivate mutating func insertToken(_ token: TokenID, of command: Command) {
    tokens.insert(ResourceKey(workspace: command.workspace, id: token.resource))
  }
}

extension Decider {
  fileprivate mutating func issueToken(_ command: Command, _ grant: TokenGrant) throws(SCIMError) -> Reply.Outcome {
    let key = ResourceKey(workspace: command.workspace, id: grant.token.resource)
    let digest = try Self.digest(grant.digest)
    guard !grant.scopes.isEmpty else { throw .badRequest(.invalidValue, "At least one scope is needed for \(grant.kind.phrase).") }
    guard !grant.name.allSatisfy(\.isWhitespace), grant.name.count <= 200, grant.name.utf8.count <= TextBounds.name else {
      throw .badRequest(
        .invalidValue, "The name of \(grant.kind.phrase) has 1 to 200 characters, and at most \(TextBounds.name) bytes of UTF-8.")
    }
    if command.workspace == .deployment { try Self.checkDeploymentWide(grant) }
    try Self.checkText(grant, "The name of \(grant.kind.phrase)", maximum: TextBounds.text)
    guard state.tokens[key] == nil else { throw Self.tokenExists(grant.token) }
    let expiresAt = try openConsole(command, grant)
    state.write(
      TokenRecord(
        key: key, kind: grant.kind, name: grant.name, digest: digest, scopes: grant.scopes.sorted { $0.rawValue < $1.rawValue },
        expiresAt: expiresAt, createdBy: command.actor.rawValue, createdAt: now, revokedAt: nil, openedWith: grant.openedWith))
    return .done
  }

  /// - Throws: 400 if the deployment cannot have such a credential: people and identity providers belong to one workspace.
  private static func checkDeploymentWide(_ grant: TokenGrant) throws(SCIMError) {
    guard grant.kind == .token else { throw .badRequest(.invalidValue, "The deployment has tokens only, not \(grant.kind.phrase).") }
    let others = grant.scopes.subtracting(TokenScope.deploymentWide)
    guard others.isEmpty else {
      throw .badRequest(
        .invalidValue,
        """
        A deployment-wide token cannot have the scope \(others.map(\.rawValue).sorted().joined(separator: ", ")); possible are \
        \(TokenScope.deploymentWide.map(\.rawValue).sorted().joined(separator: ", ")).
        """)
    }
  }

  fileprivate mutating func rotateToken(_ command: Command, _ rotation: TokenRotation) throws(SCIMError) -> Reply.Outcome {
    var token = try validToken(rotation.token, .token, of: command)
    let digest = try Self.digest(rotation.digest)
    if let successor = state.successor(of: token, at: now) {
      throw SCIMError(
        status: 409, scimType: .uniqueness,
        detail: """
          The token \(token.id) already has a successor, \(successor.id). Revoke it if it is not wanted, or rotate the successor once this \
          token is no longer in use.
          """)
    }
    let key = ResourceKey(workspace: command.workspace, id: rotation.successor.resource)
    guard state.tokens[key] == nil else { throw Self.tokenExists(rotation.successor) }
    state.write(
      TokenRecord(
        key: key, name: token.name, digest: digest, scopes: token.scopes, expiresAt: rotation.expiresAt,
        createdBy: command.actor.rawValue, createdAt: now, revokedAt: nil, predecessor: token.id))
    if let retiresAt = rotation.retiresAt {
      token.expiresAt = min(token.expiresAt ?? retiresAt, retiresAt)
      state.write(token)
    }
    return .done
  }

  fileprivate mutating func rotateSecret(_ command: Command, _ rotation: SecretRotation) throws(SCIMError) -> Reply.Outcome {
    let kind: TokenKind = try token(rotation.client, of: command).kind == .session ? .session : .client
    var client = try validToken(rotation.client, kind, of: command)
    let digest = try Self.digest(rotation.digest)
    if let present = rotation.present, try !client.hasSecret(Self.digest(present), at: now) {
      throw SCIMError(status: 409, scimType: nil, detail: "The secret has been replaced meanwhile. Nothing was changed.")
    }
    if let present = rotation.present, let former = client.former, try former.digest == Self.digest(present) {
      // The caller still uses the former secret, so it never received the current one.
      client.digest = former.digest
    }
    client.former = rotation.formerUntil.map { TokenRecord.FormerSecret(digest: client.digest, until: $0) }
    client.digest = digest
    state.write(client)
    return .done
  }

  func token(_ id: TokenID, of command: Command) throws(SCIMError) -> TokenRecord {
    guard let token = state.tokens[ResourceKey(workspace: command.workspace, id: id.resource)] else {
      throw SCIMError(
        status: 404, scimType: nil,
        detail: command.workspace == .deployment
          ? "The deployment has no token \(id); see 'scimctl token list --deployment'."
          : "The workspace has no token or OAuth client \(id); see 'scimctl token list' and 'scimctl oauth-client list'.")
    }
    return token
  }

  /// The token with this id, if it is valid and of this kind.
  ///
  /// - Throws: 400 if it is of another kind, expired or revoked.
  private func validToken(_ id: TokenID, _ kind: TokenKind, of command: Command) throws(SCIMError) -> TokenRecord {
    let token = try token(id, of: command)
    guard token.kind == kind else {
      throw .badRequest(.invalidValue, "\(id) is not \(kind.phrase), but \(token.kind.phrase).")
    }
    guard token.isValid(at: now) else {
      throw .badRequest(
        .invalidValue, "'\(token.name)' (\(id)) is \(token.revokedAt == nil ? "expired" : "revoked"). Create a new one instead.")
    }
    return token
  }

  /// The audit target for a token: its kind, id and name.
  fileprivate func auditTarget(_ id: TokenID, of command: Command) -> String {
    let token = state.tokens[ResourceKey(workspace: command.workspace, id: id.resource)]
    return "\((token?.kind ?? .token).auditNoun) \(id)\(token.map { " '\($0.name)'" } ?? "")"
  }

  private static func digest(_ text: String) throws(SCIMError) -> [UInt8] {
    guard let digest = Hex.decode(text.utf8), digest.count == 32 else {
      throw .badRequest(.invalidValue, "The digest of a secret is its SHA-256 in 64 hexadecimal digits.")
    }
    return digest
  }

  private static func tokenExists(_ id: TokenID) -> SCIMError {
    SCIMError(status: 409, scimType: .uniqueness, detail: "Token \(id) already exists.")
  }
}

extension TokenKind {
  /// The kind with its article, for error messages.
  var phrase: String {
    switch self {
    case .token: "a token"
    case .client: "an OAuth client"
    case .session: "a console session"
    case .link: "a console link"
    }
  }

  /// The noun for this kind in the audit trail. OAuth clients are called tokens for compatibility with existing entries.
  fileprivate var auditNoun: String {
    switch self {
    case .token, .client: "token"
    case .session: "session"
    case .link: "link"
    }
  }
}
