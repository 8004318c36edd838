import Logging
import Models
import Postgres
import ServiceLifecycle

/// Deletes expired rows in batches.
struct RowTrimming: Service {
  /// What to delete, and how often.
  let rows: Rows
  let pool: PostgresPool
  let logger: Logger

  /// A kind of expiring rows.
  struct Rows: Sendable {
    /// The name of the rows in the log.
    let name: String
    /// Deletes at most `$2` rows that are older than `$1` seconds.
    let statement: Statement
    let retention: Duration
    /// The maximum number of rows that one statement deletes.
    let batch: Int
    /// The pause once all expired rows are deleted.
    let interval: Duration
  }

  /// Deletes up to a batch of rows.
  ///
  /// - Returns: The number of deleted rows.
  func trim() async throws -> Int {
    try await pool.query(rows.statement, [.int(rows.retention.components.seconds), .int(Int64(rows.batch))]).affected
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await trim() == rows.batch { continue }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("\(rows.name) not trimmed", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: rows.interval) } catch { return }
      }
    }
  }
}

extension RowTrimming.Rows {
  /// Recorded replies that redelivered commands no longer need.
  ///
  /// - Parameter retention: Must exceed every command deadline and the maximum consumer lag.
  static func replies(retention: Duration) -> Self {
    Self(
      name: "recorded replies",
      statement: Statement(
        "trim replies",
        """
        delete from identity.replies
        where ctid = any (array(
          select ctid
          from identity.replies
          where recorded_at < now() - make_interval(secs => $1::int8)
          limit $2::int8
        ))
        """),
      retention: retention, batch: 5000, interval: .seconds(30))
  }

  /// Console sessions and links, a week after their expiry. The audit trail keeps the sign-ins.
  static let sessions = Self(
    name: "sessions of the console",
    statement: Statement(
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
      """),
    retention: .seconds(7 * 86_400), batch: 1000, interval: .seconds(600))

  /// Deleted webhook endpoints, once no event of theirs is retained. Until then, a rebuild publishes the deletion.
  static let webhooks = Self(
    name: "deleted webhook endpoints",
    statement: Statement(
      "trim webhook endpoints",
      """
      delete from identity.webhook_endpoints
      where ctid = any (array(
        select ctid
        from identity.webhook_endpoints
        where deleted_at < now() - make_interval(secs => $1::int8)
        limit $2::int8
      ))
      """),
    retention: .seconds(60 * 86_400), batch: 1000, interval: .seconds(3600))

  /// Early sign-ins of people who were not provisioned within ``SignIn/memory``.
  static let earlySignIns = Self(
    name: "early sign-ins",
    statement: Statement(
      "trim early sign-ins",
      """
      delete from identity.early_sign_ins
      where ctid = any (array(
        select ctid
        from identity.early_sign_ins
        where signed_in_at < now() - make_interval(secs => $1::int8)
        limit $2::int8
      ))
      """),
    retention: .seconds(SignIn.memory), batch: 1000, interval: .seconds(600))
}
