import Logging
import Postgres
import ServiceLifecycle

/// Deletes sessions of the console, and links into it, some days after their end, a bounded number at a time; the audit trail keeps who
/// signed in when.
struct SessionTrimming: Service {
  let pool: PostgresPool
  let logger: Logger
  /// For how long after its end a session is kept.
  var retention = Duration.seconds(7 * 86_400)

  private static let batch = 1000
  private static let interval = Duration.seconds(600)

  private static let statement = Statement(
    "trim sessions",
    """
    delete from identity.tokens
    where ctid = any (array(
      select ctid
      from identity.tokens
      where kind in ('session', 'link')
      and expires_at < now() - make_interval(secs => $1::int8)
      limit $2::int8
    ))
    """)

  /// Deletes up to a batch; returns how many there were.
  func trim() async throws -> Int {
    try await pool.query(Self.statement, [.int(retention.components.seconds), .int(Int64(Self.batch))]).affected
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await trim() == Self.batch { continue }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("sessions of the console not trimmed", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
