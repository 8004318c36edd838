import Logging
import Postgres
import ServiceLifecycle

/// Publishes the public key for the verification of security event tokens, by storing it at startup. Earlier keys are kept.
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
        return logger.info("security event tokens are enabled", metadata: ["key": "\(key.id)"])
      } catch {
        logger.warning("public key not stored; will retry", metadata: ["error": "\(error)"])
      }
      do { try await Task.sleep(for: Self.pause) } catch { return }
    }
  }
}
