import Credentials
import Crypto
import Foundation
import JWTKit
import Logging
import Models
import Postgres
import Synchronization

/// A cache of the signing keys of access tokens, at most ten seconds old: a key is published long before it signs.
package final class SigningKeyCache: Sendable {
  /// Reads all keys.
  package typealias Read = @Sendable () async throws -> [SigningKey]

  /// The keys, with a verifier for each.
  package struct Keys: Sendable {
    var all: [SigningKey]
    /// The verifiers by `kid`.
    var verifiers: [String: JWTKeyCollection]

    /// The keys that are published at `now`.
    package func published(at now: Date) -> [SigningKey] { all.filter { $0.term.isPublished(at: now) } }

    /// The keys that may sign at `now`, newest first.
    func signing(at now: Date) -> [SigningKey] {
      all.filter { $0.term.signs(at: now) }.sorted { ($0.term.signsAt, $0.id) > ($1.term.signsAt, $1.id) }
    }
  }

  private enum Entry: Hashable {
    case keys
  }

  private let cache = ExpiringCache<Entry, Keys>(maximumEntries: 1, refreshAge: .seconds(5), maximumAge: .seconds(10))
  /// A cache with a shorter lifetime for unknown `kid`s, since the deployment's first key signs as soon as it is created.
  private let unknownKeys = ExpiringCache<Entry, Keys>(maximumEntries: 1)
  private let read: Read
  private let seal: KeySeal
  private let logger: Logger

  /// A cache of the keys in the database.
  ///
  /// - Parameter seal: decrypts the private keys.
  package convenience init(_ database: Database, seal: KeySeal, logger: Logger) {
    self.init(seal: seal, logger: logger, read: SigningKeyLookup(database: database).keys)
  }

  /// A cache of the keys that `read` returns.
  ///
  /// - Parameter seal: decrypts the private keys.
  package init(seal: KeySeal, logger: Logger, read: @escaping Read) {
    self.seal = seal
    self.logger = logger
    self.read = read
  }

  /// All keys, at most ten seconds old.
  package func keys() async throws -> Keys { try await cache.value(of: .keys, read: load) ?? Keys(all: [], verifiers: [:]) }

  /// The verifier of the key with the id `kid`; nil if there is none.
  func verifier(_ kid: String) async throws -> JWTKeyCollection? {
    if let verifier = try await keys().verifiers[kid] { return verifier }
    return try await unknownKeys.value(of: .keys, read: load)?.verifiers[kid]
  }

  /// The newest key that signs at `now` and can be decrypted; nil if there is none.
  package func signer(at now: Date) async throws -> (id: SigningKeyID, key: ES256PrivateKey)? {
    let known = try await keys().signing(at: now)
    let signing = known.isEmpty ? try await unknownKeys.value(of: .keys, read: load)?.signing(at: now) ?? [] : known
    for key in signing {
      do {
        return (key.id, try ES256PrivateKey(backing: seal.open(key.sealedPrivateKey, id: key.id)))
      } catch {
        logger.error("cannot decrypt a signing key: it was encrypted with a different oauth.key", metadata: ["key": "\(key.id)"])
      }
    }
    return nil
  }

  private func load() async throws -> Keys? {
    let all = try await read()
    var verifiers: [String: JWTKeyCollection] = [:]
    for key in all {
      let collection = JWTKeyCollection()
      try await collection.add(jwk: JWK(json: key.publicKey))
      verifiers["\(key.id)"] = collection
    }
    return Keys(all: all, verifiers: verifiers)
  }
}

/// Reads the signing keys.
struct SigningKeyLookup: Sendable {
  let database: Database

  private static let statement = Statement(
    "scim_api_signing_keys",
    """
    select id, public_key, private_key, created_at, signs_at, retires_at, expires_at
    from identity_read.signing_keys
    order by signs_at
    """)

  /// Reads all keys.
  package func keys() async throws -> [SigningKey] {
    try await database.query(Self.statement, []).map { row in
      SigningKey(
        id: SigningKeyID(try row.uuid(0)), publicKey: try row.string(1), sealedPrivateKey: try row.bytes(2),
        term: SigningKey.Term(
          createdAt: try row.timestamp(3), signsAt: try row.timestamp(4), retiresAt: try row.timestamp(5),
          expiresAt: try row.timestamp(6)))
    }
  }
}
