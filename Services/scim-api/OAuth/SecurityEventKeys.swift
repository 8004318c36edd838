/// The public keys that security event tokens are checked with, in a copy that is a few seconds old: anybody may ask for them.
final class SecurityEventKeys: Sendable {
  /// Each a JSON Web Key (RFC 7517).
  typealias Read = @Sendable () async throws -> [String]

  private enum Whole: Hashable {
    case all
  }

  private let recent = ExpiringCache<Whole, [String]>(maximumEntries: 1, refreshAge: .seconds(5), maximumAge: .seconds(10))
  private let read: Read

  init(read: @escaping Read) {
    self.read = read
  }

  func keys() async throws -> [String] { try await recent.value(of: .all, read: read) ?? [] }
}
