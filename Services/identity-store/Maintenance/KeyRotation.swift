import Credentials
import Foundation
import Logging
import Models
import Postgres
import ServiceLifecycle

/// Rotates the signing keys of OAuth access tokens: creates each key before it is used, and deletes expired ones.
struct KeyRotation: Service {
  let pool: PostgresPool
  let seal: KeySeal
  let schedule: KeySchedule
  let logger: Logger

  private static let interval = Duration.seconds(15)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if let key = try await rotate(at: .now) {
            logger.info(
              "signing key created", metadata: ["key": "\(key.id)", "signs": "\(Timestamp.text(key.term.signsAt))"])
          }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("signing keys not rotated", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }

  /// Deletes expired keys, and creates the next one if it is due. An advisory lock limits this to one process at a time.
  ///
  /// - Returns: The new key; `nil` if none was due.
  func rotate(at now: Date) async throws -> SigningKey? {
    try await pool.transaction { transaction in
      _ = try await transaction.query(KeyStatements.lock, [.int(KeyStatements.lockKey)])
      _ = try await transaction.query(KeyStatements.deleteExpired, [.timestamp(now)])
      // A key that is encrypted with another secret is unusable.
      let usable = try await transaction.query(KeyStatements.all).map { try SigningKey($0) }.filter { key in
        do {
          _ = try seal.open(key.sealedPrivateKey, id: key.id)
          return true
        } catch {
          logger.warning("a signing key is encrypted with another oauth.key and is no longer used", metadata: ["key": "\(key.id)"])
          return false
        }
      }
      guard let term = schedule.nextTerm(after: usable.map(\.term), at: now) else { return nil }
      let key = try SigningKey(id: .made(at: now), term: term, seal: seal)
      _ = try await transaction.query(
        KeyStatements.insert,
        [
          .uuid(key.id.uuid), .text(key.publicKey), .bytes(key.sealedPrivateKey), .timestamp(term.createdAt), .timestamp(term.signsAt),
          .timestamp(term.retiresAt), .timestamp(term.expiresAt),
        ])
      return key
    }
  }
}

/// The statements for signing keys.
enum KeyStatements {
  static let lockKey: Int64 = 0x726f_6c6c_0004

  static let lock = Statement(
    "lock signing keys",
    """
    select pg_advisory_xact_lock($1)
    """)

  static let deleteExpired = Statement(
    "delete expired signing keys",
    """
    delete from identity.signing_keys
    where expires_at <= $1
    """)

  static let all = Statement(
    "signing keys",
    """
    select id, public_key, private_key, created_at, signs_at, retires_at, expires_at
    from identity.signing_keys
    """)

  static let insert = Statement(
    "insert signing key",
    """
    insert into identity.signing_keys (id, public_key, private_key, created_at, signs_at, retires_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7)
    """)
}

extension SigningKey {
  /// Reads a row of ``KeyStatements/all``.
  init(_ row: Row) throws {
    self.init(
      id: SigningKeyID(try row.uuid(0)), publicKey: try row.string(1), sealedPrivateKey: try row.bytes(2),
      term: Term(
        createdAt: try row.timestamp(3), signsAt: try row.timestamp(4), retiresAt: try row.timestamp(5),
        expiresAt: try row.timestamp(6)))
  }
}
