import Logging
import Postgres
import ServiceLifecycle

/// Stores the public key once, for the verification of security event tokens. Earlier keys are kept.
struct KeyPublication: Service {
  let pool: PostgresPool
  /// The public key; nil if no tokens are signed.
  let key: SecurityEvents.PublicKey?
  let logger: Logger

  private static let pause = Duration.seconds(1)

  /// Returns at graceful shutdown, since a service that returns earlier would end the process.
  func run() async throws {
    if let key { await publish(key) }
    try await gracefulShutdown()
  }

  private func publish(_ key: SecurityEvents.PublicKey) async {
    while !Task.isShuttingDownGracefully, !Task.isCancelled {
      do {
        _ = try await pool.query(WriteStatements.insertSigningKey, [.text(key.id), .text(key.jwk)])
        return logger.info("security event tokens are signed", metadata: ["key": "\(key.id)"])
      } catch {
        logger.warning("the public key is not stored yet", metadata: ["error": "\(error)"])
      }
      do { try await Task.sleep(for: Self.pause) } catch { return }
    }
  }
}
