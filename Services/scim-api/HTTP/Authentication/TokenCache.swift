import Credentials
import Crypto
import Foundation
import Models

/// A cache of the records of tokens and OAuth clients, at most a second old.
///
/// A revocation or a change of a workspace's settings takes effect within a second. A busy token costs two small queries per second.
package final class TokenCache: Sendable {
  /// Reads the token with this SHA-256 in this workspace; nil if there is none.
  package typealias Lookup = @Sendable (WorkspaceID, [UInt8]) async throws -> TokenRecord?
  /// Reads the OAuth client with this id in this workspace; nil if there is none.
  typealias ClientLookup = @Sendable (WorkspaceID, TokenID) async throws -> TokenRecord?

  private struct ClientKey: Hashable {
    var workspace: WorkspaceID
    var client: TokenID
  }

  private let tokens: ExpiringCache<SHA256.Digest, TokenRecord>
  private let clients: ExpiringCache<ClientKey, TokenRecord>
  private let lookup: Lookup
  private let clientLookup: ClientLookup

  /// A cache of the tokens and OAuth clients in the database.
  package convenience init(_ database: Database) {
    let lookup = TokenLookup(database: database)
    self.init(lookup: lookup.token, clientLookup: lookup.client)
  }

  init(maximumEntries: Int = 10_000, lookup: @escaping Lookup, clientLookup: @escaping ClientLookup = { _, _ in nil }) {
    tokens = ExpiringCache(maximumEntries: maximumEntries)
    clients = ExpiringCache(maximumEntries: maximumEntries)
    self.lookup = lookup
    self.clientLookup = clientLookup
  }

  /// The record of a token.
  ///
  /// - Throws: 401 if `text` is malformed or unknown; the database's errors.
  package func record(for text: Substring) async throws -> TokenRecord {
    let digest = Self.digest(of: text)
    let record = try await tokens.value(of: digest) {
      guard let token = AccessToken(String(text)) else { throw APIError.malformedToken() }
      let found = try await lookup(token.workspace, Array(digest))
      // The comparison in the database is not in constant time.
      return found.flatMap { digest == $0.digest ? $0 : nil }
    }
    guard let record else { throw APIError.unknownToken() }
    return record
  }

  /// Whether the token was valid a moment ago. Reads memory only.
  package func knows(_ text: Substring) -> Bool { tokens.has(Self.digest(of: text)) }

  /// The record of an OAuth client; nil if there is none.
  ///
  /// - Throws: the database's errors.
  package func client(_ client: TokenID, in workspace: WorkspaceID) async throws -> TokenRecord? {
    try await clients.value(of: ClientKey(workspace: workspace, client: client)) { try await clientLookup(workspace, client) }
  }

  private static func digest(of text: Substring) -> SHA256.Digest {
    var text = text
    return text.withUTF8 { SHA256.hash(data: $0) }
  }
}
