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

  func run() async throws {
    await cancelWhenGracefulShutdown {
      guard let key else { return await forever() }
      while !Task.isCancelled {
        do {
          _ = try await pool.query(WriteStatements.insertSigningKey, [.text(key.id), .text(key.jwk)])
          logger.info("security event tokens are signed", metadata: ["key": "\(key.id)"])
          return await forever()
        } catch is CancellationError {
          return
        } catch {
          logger.warning("the public key is not written down yet", metadata: ["error": "\(error)"])
          do { try await Task.sleep(for: Self.pause) } catch { return }
        }
      }
    }
  }

  /// Until the process ends: a service that returns would end it.
  private func forever() async {
    let (stream, _) = AsyncStream<Never>.makeStream()
    for await _ in stream {}
  }
}
