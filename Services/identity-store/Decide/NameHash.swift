import Credentials
import Crypto
import Foundation
import Primitives

/// The keyed hash (HMAC-SHA-256) of user names in tombstones. It finds a live user with the same name, and reveals nothing without the key.
///
/// While the key is rotated, new tombstones get the hash of the new key, and users are found by the hashes of both keys.
struct NameHash: Sendable {
  private let key: SymmetricKey
  private let formerKey: SymmetricKey?
  /// The id of the key, which tells tombstones of different keys apart and reveals nothing about the key.
  let keyID: String
  /// The id of the former key; `nil` if the key is not rotated.
  let formerKeyID: String?

  /// - Parameters:
  ///   - key: The secret, of any length.
  ///   - former: The secret that was used before, as long as its tombstones must match users.
  init(key: String, former: String? = nil) {
    self.key = SymmetricKey(data: Data(key.utf8))
    keyID = NameKeyID.text(of: key)
    let former = former == key ? nil : former
    formerKey = former.map { SymmetricKey(data: Data($0.utf8)) }
    formerKeyID = former.map { NameKeyID.text(of: $0) }
  }

  /// The HMAC-SHA-256 of a comparison key.
  func callAsFunction(_ name: NameKey) -> [UInt8] { Self.hash(name, key) }

  /// The other hash by which tombstones find a user: that of the former key while the key is rotated, and otherwise that of the comparison key
  /// that the name had in older versions, if it differs.
  func callAsFunction(formerNameOf user: UserRecord) -> [UInt8]? { former(user.userName, stored: user.nameKey) }

  /// As ``callAsFunction(formerNameOf:)``, from the columns of a user.
  func former(_ userName: String, stored: NameKey) -> [UInt8]? {
    if let formerKey { return Self.hash(stored, formerKey) }
    return ComparisonKey.former(of: userName).map { self(NameKey(workspace: stored.workspace, name: $0)) }
  }

  private static func hash(_ name: NameKey, _ key: SymmetricKey) -> [UInt8] {
    [UInt8](HMAC<SHA256>.authenticationCode(for: Data("\(name.workspace)/\(name.name)".utf8), using: key))
  }
}
