import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Models
import SCIMStorage

/// Resolves the session of a request, and opens sessions for people whom a trusted proxy authenticated.
package struct ConsoleSessions: Sendable {
  let cache: SessionCache
  let rotation: SessionRotation
  let issuer: SessionIssuer
  /// nil if no proxy is trusted, which is the default.
  let proxy: ProxyHeaders?
  let sites: Sites
  private let limits: RateLimits
  private let commands: CommandClient

  /// - Parameter proxy: the headers of a trusted single sign-on proxy; nil if there is none.
  package init(cache: SessionCache, commands: CommandClient, sites: Sites, limits: RateLimits, proxy: ProxyHeaders? = nil) {
    self.cache = cache
    // A request need not wait long for the revocation of a session that is not valid anyway.
    self.commands = commands.startingWithin(2)
    self.sites = sites
    self.limits = limits
    self.proxy = proxy
    rotation = SessionRotation(commands: commands, cache: cache)
    issuer = SessionIssuer(commands: commands)
  }

  /// A session, and the cookie to set in the response, if any.
  struct ResolvedSession: Sendable {
    var session: ConsoleSession
    var cookie: HTTPField?
  }

  /// Whether the session of a request is in the cache.
  func isKnown(_ request: Request, cookie: SessionCookie) -> Bool { cookie.key(in: request).map(cache.contains) ?? false }

  /// The session of `request`; nil if it has none that is valid at `site`.
  ///
  /// - Throws: 401 if the session does not exist or its secret is wrong.
  func session(of request: Request, at site: Site, cookie: SessionCookie, info: RequestInfo, logger: Logger) async throws
    -> ResolvedSession?
  {
    let now = Date()
    let claim = sites.origins.isTrusted(peer: info.peer) ? try proxy?.claim(in: request.headers) : nil
    if let key = cookie.key(in: request) {
      guard let stored = try await cache.session(key, at: now) else {
        try await revokeIfCopied(key, at: now, info: info, logger: logger)
        if claim == nil { throw APIError(401, "The session is unknown.") }
        return try await opened(claim, by: request, at: site, cookie: cookie, info: info)
      }
      if stored.isValid(at: now), Self.matches(claim, stored), (try? site.admit(stored.token.workspace)) != nil,
        let caller = try? stored.token.authorized(for: .admin, at: now)
      {
        let next = await rotation.key(after: key, of: stored, at: now, info: info, logger: logger)
        let lifetime = Int((stored.token.expiresAt ?? now).timeIntervalSince(now))
        return ResolvedSession(
          session: ConsoleSession(caller: caller, name: stored.token.name, seed: key.secret.seed, openedWith: stored.opener?.id),
          cookie: next.map { cookie.setting($0, for: lifetime) })
      }
    }
    return try await opened(claim, by: request, at: site, cookie: cookie, info: info)
  }

  /// Revokes a session if the request has its previous secret after the grace period. The session's browser has the current secret by then, so
  /// the cookie was copied.
  private func revokeIfCopied(_ key: SessionKey, at now: Date, info: RequestInfo, logger: Logger) async throws {
    guard try await cache.isSuperseded(key, at: now) else { return }
    logger.warning("an expired session secret was used; the session is revoked", metadata: ["session": "\(key.id)"])
    do {
      let workspace = key.secret.workspace
      let revocation = Command.Operation.revokeToken(TokenRevocation(token: key.id))
      _ = try await commands.execute(revocation, on: workspace.resource, in: workspace, by: .service("scim-api"), info: info)
      cache.remove(key.id, in: workspace)
    } catch {
      // The request is rejected anyway. The next one with the old secret tries again.
      logger.warning("the session could not be revoked", metadata: ["session": "\(key.id)", "error": "\(error)"])
    }
  }

  /// Whether a session belongs to the person whom the proxy names. A session opened by a proxy is valid only for that person and the workspace
  /// in the request, and if the proxy names a person, no other session is valid.
  static func matches(_ claim: ProxyHeaders.Claim?, _ session: SessionRecord) -> Bool {
    switch (claim, session.opener) {
    case (nil, .some): true
    case (.some(let claim), nil):
      claim.person == session.token.name && claim.slug.map { $0 == session.token.settings.slug } ?? true
    default: false
    }
  }

  /// Opens a session for the person whom the proxy names.
  private func opened(
    _ claim: ProxyHeaders.Claim?, by request: Request, at site: Site, cookie: SessionCookie, info: RequestInfo
  ) async throws -> ResolvedSession? {
    guard let claim, FormOrigin.mayOpenSession(request) else { return nil }
    var workspace = site.workspace
    if let slug = claim.slug {
      let named = try await cache.workspace(named: slug)
      guard let named, workspace == nil || workspace == named else {
        throw APIError(403, "The proxy names the workspace '\(slug.prefix(100))', which does not exist at this host.")
      }
      workspace = named
    }
    guard let workspace, let settings = try await cache.settings(of: workspace) else { return nil }
    // Each request without a session causes a write, so they are limited.
    try limits.countOpening(of: claim.person, in: workspace)
    let opened = try await issuer.open(claim.person, with: nil, in: workspace, until: nil, info: info)
    let record = TokenRecord(
      token: opened.key.id, kind: .session, name: claim.person, digest: [], scopes: [.admin], expiresAt: opened.end, workspace: workspace,
      settings: settings, schemas: settings.schemas)
    return ResolvedSession(
      session: ConsoleSession(caller: try record.authorized(for: .admin, at: Date()), name: claim.person, seed: opened.key.secret.seed),
      cookie: cookie.setting(opened.key, for: Int(opened.end.timeIntervalSinceNow)))
  }
}

/// Opens sessions through identity-store. Each session gets a new secret, so that no session id chosen by somebody else is adopted.
struct SessionIssuer: Sendable {
  let commands: CommandClient

  /// The maximum lifetime of a session in seconds.
  static let lifetime: TimeInterval = 12 * 3600

  /// A new session.
  struct IssuedSession: Sendable {
    var key: SessionKey
    var end: Date
  }

  /// Opens a session.
  ///
  /// - Parameters:
  ///   - name: the name of the person, or of the token or link they sign in with.
  ///   - opener: the token or link; nil if a proxy authenticated the person.
  ///   - last: the expiry of the opener; nil for none.
  /// - Throws: the error of identity-store; 503.
  func open(_ name: String, with opener: TokenID?, in workspace: WorkspaceID, until last: Date?, info: RequestInfo) async throws
    -> IssuedSession
  {
    let now = Date()
    let end = min(now + Self.lifetime, last ?? .distantFuture)
    let key = SessionKey(id: .made(at: now), secret: .made(for: workspace))
    let grant = TokenGrant(
      token: key.id, kind: .session, name: name, scopes: [.admin], digest: SecretDigest.hex(of: key.secret.text), expiresAt: end,
      openedWith: opener)
    let outcome = try await commands.execute(
      .issueToken(grant), on: workspace.resource, in: workspace, by: .console(name), info: info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
    return IssuedSession(key: key, end: end)
  }
}
