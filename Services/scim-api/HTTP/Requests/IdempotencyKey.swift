import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Models
import Primitives
import SCIM

/// The header `Idempotency-Key` of a request, and what is derived from it.
///
/// The ids of the request's commands, of what it creates, and its secrets are derived from the token and the key. A repeated request
/// therefore sends the same commands, and identity-store answers them with the recorded replies (`store.reply-retention`, a day) without
/// executing them again.
package struct IdempotencyKey: Sendable, Equatable {
  /// The SHA-256 of method, path, query and body: another request may not use the same key.
  package let requestDigest: String
  private let seed: [UInt8]
  /// The number of commands that identity-store rejected without executing them, such as for their deadline.
  private var attempt = 0

  /// The shortest and the longest key, in bytes.
  package static let lengths = 8...255
  /// The most commands of one request.
  package static let maximumAttempts = 20

  /// The key of a request; nil if it has none.
  ///
  /// - Parameter body: the complete body.
  /// - Throws: 400 if the key is too short, too long or not printable ASCII.
  package init?(_ request: Request, body: [UInt8], of caller: Caller) throws(ProblemDetails) {
    guard let header = request.headers[.idempotencyKey] else { return nil }
    var key = Substring(header)
    // A string of a structured field is in quotes (RFC 8941 §3.3.3).
    if key.count >= 2, key.first == "\"", key.last == "\"" { key = key.dropFirst().dropLast() }
    guard Self.lengths.contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw .malformedIdempotencyKey()
    }
    var request256 = SHA256()
    request256.update(data: Data("\(request.method.rawValue) \(request.head.path ?? "")\n".utf8))
    request256.update(data: body)
    requestDigest = Hex.encode(request256.finalize())
    seed = Array(SHA256.hash(data: Data("\(caller.token) \(caller.workspace) \(key)".utf8)))
  }

  /// The id of the next command.
  var command: CommandID { id("command \(attempt)") }

  /// Counts a command that was rejected without being executed.
  ///
  /// - Returns: whether another command may be sent.
  package mutating func advance() -> Bool {
    attempt += 1
    return attempt < Self.maximumAttempts
  }

  /// The id of what the request creates: the same for every repetition.
  ///
  /// - Parameter purpose: distinguishes several ids of one request.
  package func id<Subject>(_ purpose: String) -> Identifier<Subject> {
    // UUID version 8: the bits are those of a hash (RFC 9562 §5.8).
    var bytes = Array(SHA256.hash(data: seed + Array(purpose.utf8)).prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    return Identifier(bytes: bytes)
  }

  /// The 32 bytes of a secret that the request creates: the same for every repetition, and unknown to everybody who does not have `key`.
  package func secret(sealedBy key: SymmetricKey) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: seed, using: key))
  }
}

extension HTTPField.Name {
  /// The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).
  package static let idempotencyKey: HTTPField.Name = {
    guard let name = HTTPField.Name("Idempotency-Key") else { preconditionFailure("the name of the header is not a token") }
    return name
  }()
}

extension ProblemDetails {
  fileprivate static func malformedIdempotencyKey() -> ProblemDetails {
    ProblemDetails(
      400, .invalidParameter,
      """
      Idempotency-Key must have \(IdempotencyKey.lengths.lowerBound) to \(IdempotencyKey.lengths.upperBound) printable ASCII characters \
      without spaces. Send a UUID that is new for each operation.
      """)
  }

  /// 422 for a key that was used for another request.
  static func idempotencyConflict() -> ProblemDetails {
    ProblemDetails(
      422, .idempotencyConflict,
      "The Idempotency-Key was used for a request with another method, path or body. Nothing was changed. Send a new key.")
  }
}
