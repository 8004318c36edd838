import Credentials
import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// A stored session, with the token or link that opened it.
struct SessionRecord: Sendable {
  var token: TokenRecord
  var startedAt: Date
  /// nil if a proxy authenticated the person.
  var opener: Opener?

  /// A token or link that opened a session.
  struct Opener: Sendable, Equatable {
    var id: TokenID
    var kind: TokenKind
    var scopes: Set<TokenScope>
    var expiresAt: Date?
    var revokedAt: Date?
  }

  /// Whether the session is valid at `now`. It ends with the token that opened it; a link is already used up.
  func isValid(at now: Date) -> Bool {
    guard token.revokedAt == nil, let end = token.expiresAt, now < end else { return false }
    guard let opener, opener.kind != .link else { return true }
    return opener.kind == .token && opener.scopes.contains(.admin) && opener.revokedAt == nil && opener.expiresAt.map { now < $0 } ?? true
  }

  /// When the current secret was issued.
  var secretSince: Date { token.former.map { $0.until - SessionRotation.grace } ?? startedAt }
}

/// A cache of sessions. Entries are at most one second old, so every replica notices the revocation of a session, or of its token, within a
/// second.
package final class SessionCache: Sendable {
  /// Reads a session of a workspace; nil if it does not exist.
  typealias Lookup = @Sendable (WorkspaceID, TokenID) async throws -> SessionRecord?
  /// Reads a link of a workspace by its SHA-256; nil if it does not exist.
  typealias LinkLookup = @Sendable (WorkspaceID, [UInt8]) async throws -> TokenRecord?
  /// Reads the id of the workspace with a slug; nil if there is none.
  typealias SlugLookup = @Sendable (String) async throws -> WorkspaceID?
  /// Reads the settings of a workspace; nil if there is none.
  typealias SettingsLookup = @Sendable (WorkspaceID) async throws -> WorkspaceSettings?

  private struct Key: Hashable {
    var workspace: WorkspaceID
    var session: TokenID
  }

  private let sessions: ExpiringCache<Key, SessionRecord>
  private let slugs = ExpiringCache<String, WorkspaceID>()
  private let lookup: Lookup
  private let linkLookup: LinkLookup
  private let slugLookup: SlugLookup
  private let settingsLookup: SettingsLookup

  init(
    maximumEntries: Int = 10_000, lookup: @escaping Lookup, links: @escaping LinkLookup = { _, _ in nil },
    slugs: @escaping SlugLookup = { _ in nil }, settings: @escaping SettingsLookup = { _ in nil }
  ) {
    sessions = ExpiringCache(maximumEntries: maximumEntries)
    self.lookup = lookup
    linkLookup = links
    slugLookup = slugs
    settingsLookup = settings
  }

  /// The session of `key`; nil if it does not exist, or the secret is wrong at `now`.
  func session(_ key: SessionKey, at now: Date) async throws -> SessionRecord? {
    let digest = SHA256.hash(data: Data(key.secret.text.utf8))
    let cacheKey = Key(workspace: key.secret.workspace, session: key.id)
    for _ in 0..<2 {
      guard let found = try await sessions.value(of: cacheKey, read: { try await lookup(key.secret.workspace, key.id) }) else { return nil }
      if found.token.hasSecret(digest, at: now) { return found }
      // The secret may be newer than the cached session.
      sessions.forget(cacheKey)
    }
    return nil
  }

  /// Whether `key` has the previous secret of a session that is still active, after the grace period of that secret.
  func isSuperseded(_ key: SessionKey, at now: Date) async throws -> Bool {
    let cacheKey = Key(workspace: key.secret.workspace, session: key.id)
    guard let found = try await sessions.value(of: cacheKey, read: { try await lookup(key.secret.workspace, key.id) }),
      found.token.revokedAt == nil, let end = found.token.expiresAt, now < end, let former = found.token.former
    else { return false }
    return SHA256.hash(data: Data(key.secret.text.utf8)) == former.digest && now >= former.until
  }

  /// Whether the session is in the cache.
  func contains(_ key: SessionKey) -> Bool { sessions.has(Key(workspace: key.secret.workspace, session: key.id)) }

  /// Removes the session from the cache.
  func remove(_ session: TokenID, in workspace: WorkspaceID) { sessions.forget(Key(workspace: workspace, session: session)) }

  /// Reads a sign-in link by its key.
  ///
  /// - Throws: 401 if the key is invalid or unknown; the errors of the database.
  func link(_ text: String) async throws -> TokenRecord {
    let digest = SHA256.hash(data: Data(text.utf8))
    guard let key = LinkKey(text), let found = try await linkLookup(key.workspace, Array(digest)), digest == found.digest else {
      throw APIError(401, "The link is invalid or incomplete. Copy it again, or ask for a new one.")
    }
    return found
  }

  /// The workspace with a slug; nil if there is none.
  func workspace(named slug: String) async throws -> WorkspaceID? {
    try await slugs.value(of: slug) { try await slugLookup(slug) }
  }

  /// The settings of a workspace; nil if there is none.
  func settings(of workspace: WorkspaceID) async throws -> WorkspaceSettings? { try await settingsLookup(workspace) }
}
