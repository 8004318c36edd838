import Credentials
import Crypto
import Foundation
import Models

/// Finds the records of tokens and of OAuth clients, in memory where they were read within the last second, else in the database.
///
/// So a revocation and a change of a workspace's settings are in force within a second, and a busy token costs two small queries
/// a second.
final class TokenCache: Sendable {
  /// Reads the token with this SHA-256 in this workspace; nil where there is none.
  typealias Lookup = @Sendable (WorkspaceID, [UInt8]) async throws -> TokenRecord?
  /// Reads the OAuth client with this id in this workspace; nil where there is none.
  typealias ClientLookup = @Sendable (WorkspaceID, TokenID) async throws -> TokenRecord?

  private struct ClientKey: Hashable {
    var workspace: WorkspaceID
    var client: TokenID
  }

  private let tokens: ExpiringCache<SHA256.Digest, TokenRecord>
  private let clients: ExpiringCache<ClientKey, TokenRecord>
  private let lookup: Lookup
  private let clientLookup: ClientLookup

  init(maximumEntries: Int = 10_000, lookup: @escaping Lookup, clientLookup: @escaping ClientLookup = { _, _ in nil }) {
    tokens = ExpiringCache(maximumEntries: maximumEntries)
    clients = ExpiringCache(maximumEntries: maximumEntries)
    self.lookup = lookup
    self.clientLookup = clientLookup
  }

  /// - Throws: 401 where `text` is no token or not known; whatever the database throws.
  func record(for text: Substring) async throws -> TokenRecord {
    let digest = SHA256.hash(data: Data(text.utf8))
    let record = try await tokens.value(of: digest) {
      guard let token = AccessToken(String(text)) else { throw APIError.malformedToken() }
      let found = try await lookup(token.workspace, Array(digest))
      // The database compared already; this comparison takes the same time wherever two digests differ.
      return found.flatMap { digest == $0.digest ? $0 : nil }
    }
    guard let record else { throw APIError.unknownToken() }
    return record
  }

  /// Whether the token was found not long ago, so that it is no stranger's.
  func knows(_ text: Substring) -> Bool { tokens.has(SHA256.hash(data: Data(text.utf8))) }

  /// nil where there is none; throws whatever the database throws.
  func client(_ client: TokenID, in workspace: WorkspaceID) async throws -> TokenRecord? {
    try await clients.value(of: ClientKey(workspace: workspace, client: client)) { try await clientLookup(workspace, client) }
  }
}
