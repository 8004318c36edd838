import Credentials
import Crypto
import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// A session as the store has it, with what it was opened with.
struct SessionRecord: Sendable {
  var token: TokenRecord
  var startedAt: Date
  /// nil where a proxy has vouched for the person.
  var opener: Opener?

  struct Opener: Sendable, Equatable {
    var id: TokenID
    var kind: TokenKind
    var scopes: Set<TokenScope>
    var expiresAt: Date?
    var revokedAt: Date?
  }

  /// Whether it lets anyone in at `now`: a session ends with the token that it was opened with. A link is used up by then.
  func isGood(at now: Date) -> Bool {
    guard token.revokedAt == nil, let end = token.expiresAt, now < end else { return false }
    guard let opener, opener.kind != .link else { return true }
    return opener.kind == .token && opener.scopes.contains(.admin) && opener.revokedAt == nil && opener.expiresAt.map { now < $0 } ?? true
  }

  /// Since when the present secret is the session's.
  var secretSince: Date { token.former.map { $0.until - SessionRotation.grace } ?? startedAt }
}

/// Finds sessions, in memory where they were read within the last second, else in the database: so the end of a session, and of the token
/// that it was opened with, is known everywhere within a second.
package final class SessionCache: Sendable {
  /// Reads the session with this id in this workspace; nil where there is none.
  typealias Lookup = @Sendable (WorkspaceID, TokenID) async throws -> SessionRecord?
  /// Reads the link with this SHA-256 in this workspace; nil where there is none.
  typealias LinkLookup = @Sendable (WorkspaceID, [UInt8]) async throws -> TokenRecord?
  /// The workspace with this slug.
  typealias Slugs = @Sendable (String) async throws -> WorkspaceID?
  /// The settings of a workspace.
  typealias Settings = @Sendable (WorkspaceID) async throws -> WorkspaceSettings?

  private struct Key: Hashable {
    var workspace: WorkspaceID
    var session: TokenID
  }

  private let sessions: ExpiringCache<Key, SessionRecord>
  private let slugs = ExpiringCache<String, WorkspaceID>()
  private let lookup: Lookup
  private let linkLookup: LinkLookup
  private let slugLookup: Slugs
  private let settingsLookup: Settings

  init(
    maximumEntries: Int = 10_000, lookup: @escaping Lookup, links: @escaping LinkLookup = { _, _ in nil },
    slugs: @escaping Slugs = { _ in nil }, settings: @escaping Settings = { _ in nil }
  ) {
    sessions = ExpiringCache(maximumEntries: maximumEntries)
    self.lookup = lookup
    linkLookup = links
    slugLookup = slugs
    settingsLookup = settings
  }

  /// The session that `key` opens at `now`; nil where there is none, or its secret is another.
  func session(_ key: SessionKey, at now: Date) async throws -> SessionRecord? {
    let digest = SHA256.hash(data: Data(key.secret.text.utf8))
    let place = Key(workspace: key.secret.workspace, session: key.id)
    for _ in 0..<2 {
      guard let found = try await sessions.value(of: place, read: { try await lookup(key.secret.workspace, key.id) }) else { return nil }
      if found.token.hasSecret(digest, at: now) { return found }
      // The secret may be newer than what is remembered.
      sessions.forget(place)
    }
    return nil
  }

  /// Whether `key` has the secret that a session, which has not ended, had before its present one, and for longer than that was good.
  func isSuperseded(_ key: SessionKey, at now: Date) async throws -> Bool {
    let place = Key(workspace: key.secret.workspace, session: key.id)
    guard let found = try await sessions.value(of: place, read: { try await lookup(key.secret.workspace, key.id) }),
      found.token.revokedAt == nil, let end = found.token.expiresAt, now < end, let former = found.token.former
    else { return false }
    return SHA256.hash(data: Data(key.secret.text.utf8)) == former.digest && now >= former.until
  }

  /// Whether the session was found not long ago, so that it is no stranger's.
  func knows(_ key: SessionKey) -> Bool { sessions.has(Key(workspace: key.secret.workspace, session: key.id)) }

  /// Has the session read anew.
  func forget(_ session: TokenID, in workspace: WorkspaceID) { sessions.forget(Key(workspace: workspace, session: session)) }

  /// - Throws: 401 where `text` is no link's key, or not known; whatever the database throws.
  func link(_ text: String) async throws -> TokenRecord {
    let digest = SHA256.hash(data: Data(text.utf8))
    guard let key = LinkKey(text), let found = try await linkLookup(key.workspace, Array(digest)), digest == found.digest else {
      throw APIError(401, "The link is not one of this service, or was cut off. Copy it again, or ask for a new one.")
    }
    return found
  }

  func workspace(named slug: String) async throws -> WorkspaceID? {
    try await slugs.value(of: slug) { try await slugLookup(slug) }
  }

  func settings(of workspace: WorkspaceID) async throws -> WorkspaceSettings? { try await settingsLookup(workspace) }
}
