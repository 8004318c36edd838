import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Models
import SCIMStorage

/// Finds the session of a request, and opens new ones.
package struct ConsoleSessions: Sendable {
  let directory: SessionCache
  let rotation: SessionRotation
  let opening: SessionOpening
  /// nil where no proxy is believed, which is the rule.
  let proxy: ProxyHeaders?
  let sites: Sites
  private let limits: RateLimits
  private let commands: CommandClient

  package init(directory: SessionCache, commands: CommandClient, sites: Sites, limits: RateLimits, proxy: ProxyHeaders? = nil) {
    self.directory = directory
    // Nobody is to wait for long for the end of a session that lets nobody in anyhow.
    self.commands = commands.startingWithin(2)
    self.sites = sites
    self.limits = limits
    self.proxy = proxy
    rotation = SessionRotation(commands: commands, directory: directory)
    opening = SessionOpening(commands: commands)
  }

  /// A session, and the cookie that the answer sets, if any.
  struct Found: Sendable {
    var session: ConsoleSession
    var cookie: HTTPField?
  }

  /// Whether the session that a request shows was good not long ago, so that it is no stranger's.
  func knows(_ request: Request, cookie: SessionCookie) -> Bool { cookie.key(in: request).map(directory.knows) ?? false }

  /// The session of `request`; nil where it has none that is good here.
  ///
  /// - Throws: 401 where it shows one that there never was, or another's secret.
  func session(of request: Request, at site: Site, cookie: SessionCookie, info: RequestInfo, logger: Logger) async throws -> Found? {
    let now = Date()
    let claim = sites.origins.isTrusted(peer: info.peer) ? try proxy?.claim(in: request.headers) : nil
    if let key = cookie.key(in: request) {
      guard let stored = try await directory.session(key, at: now) else {
        try await endIfCopied(key, at: now, info: info, logger: logger)
        if claim == nil { throw APIError(401, "The session is not known here.") }
        return try await opened(claim, by: request, at: site, cookie: cookie, info: info)
      }
      if stored.isGood(at: now), Self.isOf(claim, stored), (try? site.admit(stored.token.workspace)) != nil,
        let caller = try? Caller(stored.token, for: .admin, at: now)
      {
        let next = await rotation.key(after: key, of: stored, at: now, info: info, logger: logger)
        let left = Int((stored.token.expiresAt ?? now).timeIntervalSince(now))
        return Found(
          session: ConsoleSession(caller: caller, name: stored.token.name, seed: key.secret.seed, openedWith: stored.opener?.id),
          cookie: next.map { cookie.setting($0, for: left) })
      }
    }
    return try await opened(claim, by: request, at: site, cookie: cookie, info: info)
  }

  /// Ends the session whose former secret is shown when that is good no more: its browser has had the present one for a minute, so that the
  /// cookie was copied, by this sender or by whoever has the present one.
  private func endIfCopied(_ key: SessionKey, at now: Date, info: RequestInfo, logger: Logger) async throws {
    guard try await directory.isSuperseded(key, at: now) else { return }
    logger.warning("a session's former secret was shown; the session ends", metadata: ["session": "\(key.id)"])
    do {
      let workspace = key.secret.workspace
      let revocation = Command.Operation.revokeToken(TokenRevocation(token: key.id))
      _ = try await commands.execute(revocation, on: workspace.resource, in: workspace, by: .service("scim-api"), info: info)
      directory.forget(key.id, in: workspace)
    } catch {
      // The sender is not let in all the same; the next time it is tried again.
      logger.warning("the session could not be ended", metadata: ["session": "\(key.id)", "error": "\(error)"])
    }
  }

  /// A session that a proxy has opened is used for the person alone whom the proxy names with the request, and in the workspace alone that
  /// it names, if it names one; and where it names a person, so is no other session.
  static func isOf(_ claim: ProxyHeaders.Claim?, _ session: SessionRecord) -> Bool {
    switch (claim, session.opener) {
    case (nil, .some): true
    case (.some(let claim), nil):
      claim.person == session.token.name && claim.slug.map { $0 == session.token.settings.slug } ?? true
    default: false
    }
  }

  /// A session of the person whom a proxy names.
  private func opened(
    _ claim: ProxyHeaders.Claim?, by request: Request, at site: Site, cookie: SessionCookie, info: RequestInfo
  ) async throws -> Found? {
    guard let claim, FormOrigin.mayOpenSession(request) else { return nil }
    var workspace = site.workspace
    if let slug = claim.slug {
      let named = try await directory.workspace(named: slug)
      guard let named, workspace == nil || workspace == named else {
        throw APIError(403, "The proxy in front names the workspace '\(slug.prefix(100))', which is not one at this host.")
      }
      workspace = named
    }
    guard let workspace, let settings = try await directory.settings(of: workspace) else { return nil }
    // Nothing has been counted yet: a request that brings no session makes one, and each is a write.
    try limits.countOpening(of: claim.person, in: workspace)
    let opened = try await opening.open(claim.person, with: nil, in: workspace, until: nil, info: info)
    let record = TokenRecord(
      token: opened.key.id, kind: .session, name: claim.person, digest: [], scopes: [.admin], expiresAt: opened.end, workspace: workspace,
      settings: settings, schemas: settings.schemas)
    return Found(
      session: ConsoleSession(caller: try Caller(record, for: .admin, at: Date()), name: claim.person, seed: opened.key.secret.seed),
      cookie: cookie.setting(opened.key, for: Int(opened.end.timeIntervalSinceNow)))
  }
}

/// Has identity-store open sessions. Each has a secret of its own that is made here and now: what a browser had before is never adopted.
struct SessionOpening: Sendable {
  let commands: CommandClient

  /// How long a session lasts, in seconds.
  static let length: TimeInterval = 12 * 3600

  struct Opened: Sendable {
    var key: SessionKey
    var end: Date
  }

  /// - Parameters:
  ///   - name: of the person, or of what they sign in with.
  ///   - opener: a token or a link; nil where a proxy vouches for them.
  ///   - last: the opener's own end.
  /// - Throws: what identity-store refuses it with; 503.
  func open(_ name: String, with opener: TokenID?, in workspace: WorkspaceID, until last: Date?, info: RequestInfo) async throws -> Opened
  {
    let now = Date()
    let end = min(now + Self.length, last ?? .distantFuture)
    let key = SessionKey(id: .made(at: now), secret: .made(for: workspace))
    let grant = TokenGrant(
      token: key.id, kind: .session, name: name, scopes: [.admin], digest: Hex.digest(of: key.secret.text), expiresAt: end,
      openedWith: opener)
    let outcome = try await commands.execute(
      .issueToken(grant), on: workspace.resource, in: workspace, by: .console(name), info: info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
    return Opened(key: key, end: end)
  }
}
