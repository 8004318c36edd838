import Crypto
import Foundation
import Models
import SCIM

/// A stored token, OAuth client, session or link, with its workspace.
package struct TokenRecord: Sendable {
  /// The caller of the requests with this credential.
  package let caller: Caller
  /// The SHA-256 of the token's text, or of the secret of a client or session.
  package var digest: [UInt8]
  /// The previous secret of a client or session, which may still be valid.
  package var former: FormerSecret?
  /// The granted scopes.
  package var scopes: Set<TokenScope>
  /// When it expires; nil if never.
  package var expiresAt: Date?
  /// When it was revoked; nil if it was not.
  package var revokedAt: Date?

  /// A record of a credential, by default an API access token without an expiry.
  ///
  /// - Parameters:
  ///   - digest: the SHA-256 of the token's text, or of the secret of a client or session.
  ///   - settingsVersion: the version of the workspace that the settings are from; nil if it is unknown.
  package init(
    token: TokenID, kind: TokenKind = .token, name: String, digest: [UInt8], former: FormerSecret? = nil, scopes: Set<TokenScope>,
    expiresAt: Date? = nil, revokedAt: Date? = nil, workspace: WorkspaceID, settings: WorkspaceSettings, schemas: ResourceSchemas,
    settingsVersion: Int64? = nil
  ) {
    caller = Caller(
      token: token, kind: kind, name: name, workspace: workspace, settings: settings, schemas: schemas, settingsVersion: settingsVersion,
      isDeploymentWide: workspace == .deployment)
    self.digest = digest
    self.former = former
    self.scopes = scopes
    self.expiresAt = expiresAt
    self.revokedAt = revokedAt
  }

  /// A record of a deployment-wide token. Its caller has no workspace, and therefore placeholder settings, until ``Caller/acting(in:)``
  /// names one.
  package init(
    deploymentToken token: TokenID, name: String, digest: [UInt8], scopes: Set<TokenScope>, expiresAt: Date? = nil, revokedAt: Date? = nil
  ) {
    let settings = WorkspaceSettings(slug: "", name: "", plan: .free, samlSSO: false, scimEnabled: false, signInURL: "")
    self.init(
      token: token, name: name, digest: digest, scopes: scopes.intersection(TokenScope.deploymentWide), expiresAt: expiresAt,
      revokedAt: revokedAt, workspace: .deployment, settings: settings, schemas: settings.schemas)
  }

  /// The id of the token, client or session.
  package var token: TokenID { caller.token }
  /// Whether it is a token, a client, a session or a link.
  package var kind: TokenKind { caller.kind }
  /// The name of the token or client; for a session, the person.
  package var name: String { caller.name }
  /// The workspace that it belongs to.
  package var workspace: WorkspaceID { caller.workspace }
  /// The settings of the workspace.
  package var settings: WorkspaceSettings { caller.settings }

  /// A replaced secret that is still valid for a limited time.
  package struct FormerSecret: Sendable {
    /// The SHA-256 of the secret.
    package var digest: [UInt8]
    /// When it stops being valid.
    package var until: Date

    /// A secret that is valid until `until`, by its SHA-256.
    package init(digest: [UInt8], until: Date) {
      self.digest = digest
      self.until = until
    }
  }

  /// Whether `digest` is the SHA-256 of the current secret, or of the former one while that is valid. Compares in constant time.
  package func hasSecret(_ digest: SHA256.Digest, at now: Date) -> Bool {
    let isCurrent = digest == self.digest
    let isFormer = former.map { (digest == $0.digest) && now < $0.until } ?? false
    return isCurrent || isFormer
  }

  /// Authorizes the credential for `scope` at `now`.
  ///
  /// The scope for SCIM also requires that the workspace has the enterprise plan, SAML SSO and the opt-in.
  ///
  /// - Throws: 401 if the credential is revoked or expired; 403 if it is deployment-wide, if it lacks the scope, or if the workspace cannot
  ///   use SCIM.
  package func authorized(for scope: TokenScope, at now: Date) throws(APIError) -> Caller {
    guard !caller.isDeploymentWide else { throw .deploymentWideToken(caller.name) }
    return try granted(scope, at: now)
  }

  /// Authorizes the credential for `scope` at `now`; unlike ``authorized(for:at:)``, it may be deployment-wide. The caller of a
  /// deployment-wide token has the workspace ``WorkspaceID/deployment`` until ``Caller/acting(in:)`` names another.
  ///
  /// - Throws: 401 if the credential is revoked or expired; 403 if it lacks the scope, or the workspace cannot use SCIM or is suspended until
  ///   its deletion.
  func granted(_ scope: TokenScope, at now: Date) throws(APIError) -> Caller {
    if revokedAt != nil { throw .revoked(caller.kind, caller.name) }
    if let expiresAt, expiresAt <= now { throw .expired(caller.kind, caller.name) }
    guard scopes.contains(scope) else { throw .scopeMissing(scope, caller.kind, caller.name) }
    if let deletion = caller.settings.deletion { throw .workspaceInDeletion(deletion) }
    if scope == .scim, let obstacle = caller.settings.scimObstacle {
      throw .closedWorkspace(obstacle, plan: caller.settings.plan)
    }
    return caller
  }
}

/// The authenticated caller of a request. All requests of a credential share one object, since settings and schemas are large.
package final class Caller: Sendable {
  /// The id of the API access token, OAuth client or console session.
  package let token: TokenID
  /// The kind of credential.
  package let kind: TokenKind
  /// The name of the credential; for a session, the person.
  package let name: String
  /// The workspace that it belongs to.
  package let workspace: WorkspaceID
  /// The settings of the workspace.
  package let settings: WorkspaceSettings
  /// The schemas of the workspace.
  package let schemas: ResourceSchemas
  /// The version of the workspace that ``settings`` are from; nil if it is unknown.
  package let settingsVersion: Int64?
  /// Whether the token is deployment-wide. Its ``workspace`` is then the one that the request names, or ``WorkspaceID/deployment`` if it
  /// names none.
  package let isDeploymentWide: Bool

  fileprivate init(
    token: TokenID, kind: TokenKind, name: String, workspace: WorkspaceID, settings: WorkspaceSettings, schemas: ResourceSchemas,
    settingsVersion: Int64?, isDeploymentWide: Bool
  ) {
    self.isDeploymentWide = isDeploymentWide
    self.token = token
    self.kind = kind
    self.name = name
    self.workspace = workspace
    self.settings = settings
    self.schemas = schemas
    self.settingsVersion = settingsVersion
  }

  /// The workspace that the credential belongs to; ``WorkspaceID/deployment`` for a deployment-wide token.
  package var home: WorkspaceID { isDeploymentWide ? .deployment : workspace }

  /// The caller's console session; nil for other credentials.
  package var session: TokenID? { kind == .session ? token : nil }

  /// The caller of a deployment-wide token in the workspace that its request names.
  package func acting(in workspace: NamedWorkspace) -> Caller {
    Caller(
      token: token, kind: kind, name: name, workspace: workspace.id, settings: workspace.settings, schemas: workspace.schemas,
      settingsVersion: workspace.version, isDeploymentWide: isDeploymentWide)
  }

  /// The actor of the caller's commands.
  package var actor: Command.Actor {
    switch kind {
    case .token where isDeploymentWide: .deploymentToken(token)
    case .token: .token(token)
    case .client: .client(token)
    case .session, .link: .console(name)
    }
  }
}
