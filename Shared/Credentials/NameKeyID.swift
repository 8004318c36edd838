import Crypto
import Foundation
import Primitives

/// The id of a key for the names of deleted users, such as `3f9c0b7e12ab44d1`. It tells keys apart in the database, and reveals nothing about them.
public enum NameKeyID {
  /// The first 64 bits of an HMAC-SHA-256 with the key, in hexadecimal.
  public static func text(of key: String) -> String {
    let code = HMAC<SHA256>.authenticationCode(for: Data("rollcall tombstone key".utf8), using: SymmetricKey(data: Data(key.utf8)))
    return String(Hex.encode(code).prefix(16))
  }
}
