import Crypto
import Foundation
import Primitives

/// The keyed hash (HMAC-SHA-256) of user names in tombstones. It finds a live user with the same name, and reveals nothing without the key.
struct NameHash: Sendable {
  private let key: SymmetricKey

  /// - Parameter key: The secret, of any length. With another key, old tombstones match no user.
  init(key: String) {
    self.key = SymmetricKey(data: Data(key.utf8))
  }

  /// The HMAC-SHA-256 of a comparison key.
  func callAsFunction(_ name: NameKey) -> [UInt8] {
    [UInt8](HMAC<SHA256>.authenticationCode(for: Data("\(name.workspace)/\(name.name)".utf8), using: key))
  }

  /// The hash of the key that the name had in older versions, if it differs: older tombstones have it.
  func callAsFunction(formerNameOf user: UserRecord) -> [UInt8]? {
    ComparisonKey.former(of: user.userName).map { self(NameKey(workspace: user.key.workspace, name: $0)) }
  }
}
