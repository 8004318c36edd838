import Logging
import Models
import Postgres
import ServiceLifecycle

/// Deletes sign-ins of people who were not provisioned within 30 days of them (``SignIn/memory``), a bounded number at a time.
struct EarlySignInTrimming: Service {
  let pool: PostgresPool
  let logger: Logger

  private static let batch = 1000
  private static let interval = Duration.seconds(600)

  private static let statement = Statement(
    "trim early sign-ins",
    """
    delete from identity.early_sign_ins
    where ctid = any (array(
      select ctid
      from identity.early_sign_ins
      where signed_in_at < now() - make_interval(secs => $1::int8)
      limit $2::int8
    ))
    """)

  /// Deletes up to a batch; returns how many there were.
  func trim() async throws -> Int {
    try await pool.query(Self.statement, [.int(Int64(SignIn.memory)), .int(Int64(Self.batch))]).affected
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await trim() == Self.batch { continue }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("early sign-ins not trimmed", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
