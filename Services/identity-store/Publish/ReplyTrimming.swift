import Logging
import Postgres
import ServiceLifecycle

/// Deletes recorded replies that nobody can ask for any more, a bounded number at a time.
struct ReplyTrimming: Service {
  let pool: PostgresPool
  /// Older replies are deleted; longer than any deadline, and than a consumer may be behind.
  let retention: Duration
  let logger: Logger

  private static let batch = 5000
  private static let interval = Duration.seconds(30)

  private static let statement = Statement(
    "trim replies",
    """
    delete from identity.replies
    where ctid = any (array(
      select ctid
      from identity.replies
      where recorded_at < now() - make_interval(secs => $1::int8)
      limit $2::int8
    ))
    """)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          let trimmed = try await pool.query(Self.statement, [.int(retention.components.seconds), .int(Int64(Self.batch))]).affected
          if trimmed == Self.batch { continue }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("recorded replies not trimmed", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }
}
