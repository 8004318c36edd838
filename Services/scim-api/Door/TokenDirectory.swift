import Crypto
import Foundation
import Models
import Synchronization

/// Finds the record of a token, in memory where it was read within the last second, else in the database.
///
/// So a revocation and a change of a workspace's settings are in force within a second, and a busy token costs two small queries
/// a second.
final class TokenDirectory: Sendable {
  /// Reads the token with this SHA-256 in this workspace; nil where there is none.
  typealias Lookup = @Sendable (WorkspaceID, [UInt8]) async throws -> TokenRecord?

  private struct Entry {
    var record: TokenRecord
    /// When the read that brought it began: what was committed before then is in it.
    var readAt: ContinuousClock.Instant
    /// Somebody is reading it again.
    var isBeingRefreshed = false
  }

  /// An entry older than this is read again by the first who needs it, while others go on with it.
  private static let refreshAge = Duration.milliseconds(500)
  /// An entry as old as this is not used.
  private static let maximumAge = Duration.milliseconds(950)

  private let entries = Mutex<[SHA256.Digest: Entry]>([:])
  private let maximumEntries: Int
  private let lookup: Lookup

  init(maximumEntries: Int = 10_000, lookup: @escaping Lookup) {
    self.maximumEntries = maximumEntries
    self.lookup = lookup
  }

  /// - Throws: 401 where `text` is no token or not known; whatever the database throws.
  func record(for text: Substring) async throws -> TokenRecord {
    let digest = SHA256.hash(data: Data(text.utf8))
    let now = ContinuousClock.now
    if let record = fresh(digest, at: now) { return record }
    guard let token = AccessToken(String(text)) else { throw Refusal.malformedToken() }
    let found: TokenRecord?
    do {
      found = try await lookup(token.workspace, Array(digest))
    } catch {
      // The next one who needs it tries.
      entries.withLock { $0[digest]?.isBeingRefreshed = false }
      throw error
    }
    // The database compared already; this comparison takes the same time wherever two digests differ.
    guard let found, digest == found.digest else {
      entries.withLock { $0[digest] = nil }
      throw Refusal.unknownToken()
    }
    entries.withLock { entries in
      if entries.count >= maximumEntries {
        entries = entries.filter { now - $0.value.readAt < Self.maximumAge }
        if entries.count >= maximumEntries { entries.removeAll(keepingCapacity: true) }
      }
      entries[digest] = Entry(record: found, readAt: now)
    }
    return found
  }

  /// Whether the request's token was found not long ago, so that it is no stranger's.
  func knows(_ authorization: String?) -> Bool {
    guard let text = try? BearerToken.text(in: authorization) else { return false }
    let digest = SHA256.hash(data: Data(text.utf8))
    return entries.withLock { $0[digest] != nil }
  }

  private func fresh(_ digest: SHA256.Digest, at now: ContinuousClock.Instant) -> TokenRecord? {
    entries.withLock { entries in
      guard let entry = entries[digest] else { return nil }
      let age = now - entry.readAt
      if age < Self.refreshAge { return entry.record }
      if age < Self.maximumAge, entry.isBeingRefreshed { return entry.record }
      entries[digest]?.isBeingRefreshed = true
      return nil
    }
  }
}
