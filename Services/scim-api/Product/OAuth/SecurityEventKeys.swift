import EdgeHTTP
import EdgeReads

/// A cache of the public keys of security event tokens, since the endpoint that publishes them is public.
final class SecurityEventKeys: Sendable {
  private enum Entry: Hashable {
    case keys
  }

  private let cache = ExpiringCache<Entry, [String]>(maximumEntries: 1, refreshAge: .seconds(5), maximumAge: .seconds(10))
  private let directory: any DirectoryReads

  init(_ directory: any DirectoryReads) {
    self.directory = directory
  }

  /// The keys, each a JSON Web Key (RFC 7517).
  func keys() async throws -> [String] {
    try await cache.value(of: .keys) { try await directory.signingKeys() } ?? []
  }
}
