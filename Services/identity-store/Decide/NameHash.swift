import Crypto
import Foundation
import Primitives

/// The keyed hash under which a deleted user's name is remembered: it tells whether a live user has the same name, and
/// nothing to someone without the key.
struct NameHash: Sendable {
  private let key: SymmetricKey

  /// - Parameter key: The secret, of any length; it must stay the same, or old tombstones match nobody.
  init(key: String) {
    self.key = SymmetricKey(data: Data(key.utf8))
  }

  /// HMAC-SHA-256 of the name as it is compared.
  func callAsFunction(_ name: NameKey) -> [UInt8] {
    [UInt8](HMAC<SHA256>.authenticationCode(for: Data("\(name.workspace)/\(name.name)".utf8), using: key))
  }

  /// Of the user's name as it was compared before there were comparison keys, where that differs: tombstones from then have it.
  func callAsFunction(formerNameOf user: UserRecord) -> [UInt8]? {
    ComparisonKey.former(of: user.userName).map { self(NameKey(workspace: user.key.workspace, name: $0)) }
  }
}
