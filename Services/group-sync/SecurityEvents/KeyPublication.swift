import Logging
import Postgres
import ServiceLifecycle

/// Writes the public key down once, for whoever checks security event tokens; the keys of earlier times stay beside it.
struct KeyPublication: Service {
  let pool: PostgresPool
  /// nil where nothing is signed.
  let key: SecurityEvents.PublicKey?
  let logger: Logger

  private static let pause = Duration.seconds(1)

  /// Returns at graceful shutdown: a service that returned before would end the process.
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
        logger.warning("the public key is not written down yet", metadata: ["error": "\(error)"])
      }
      do { try await Task.sleep(for: Self.pause) } catch { return }
    }
  }
}
