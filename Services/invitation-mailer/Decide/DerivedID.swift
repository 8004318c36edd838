import Crypto
import Models

extension Identifier {
  /// The id that follows from `parts`, the same wherever and whenever it is asked for (UUID version 8, RFC 9562 §5.8).
  static func derived(_ parts: String...) -> Self {
    var hash = SHA256()
    for part in parts {
      // Each part behind its length, so that no two lists of parts read the same.
      hash.update(data: Array("\(part.utf8.count):".utf8))
      hash.update(data: Array(part.utf8))
    }
    var bytes = Array(hash.finalize().prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    return Self(bytes: bytes)
  }
}
