import Foundation
import Logging
import Models
import Postgres
import ServiceLifecycle

/// Erases what remains of deleted users on request (`erase-user`), in all schemas and in one transaction for each user.
///
/// Any number of processes can run it: each request is locked while it is carried out. A request that fails is repeated after ten minutes, and does not
/// delay others.
struct ErasureRunner: Service {
  let pool: PostgresPool
  let logger: Logger
  /// The polling interval for requests.
  var interval = Duration.seconds(15)
  /// How old a request must be, so that what was in flight between the services when the user was deleted has arrived.
  var delay = Duration.seconds(60)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await runNext() { continue }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("deleted users were not erased; will retry", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// Carries out the next request, and returns whether there was one.
  func runNext() async throws -> Bool {
    // Without a request, the shared connection answers at once. The erasure itself reads all events of a workspace.
    guard try await pool.query(ErasureStatements.isWaiting, [.double(delay / .seconds(1))]).first?.bool(0) == true else { return false }
    return try await pool.withExclusiveConnection { session in
      _ = try await session.query(ErasureStatements.noTimeout)
      guard let row = try await session.query(ErasureStatements.run, [.double(delay / .seconds(1))], hasTimeLimit: false).first else {
        return false
      }
      let metadata: Logger.Metadata = ["workspace": "\(WorkspaceID(try row.uuid(0)))", "user": "\(UserID(try row.uuid(1)))"]
      if let problem = try row.optionalString(3) {
        logger.error("a deleted user could not be erased", metadata: metadata.merging(["error": "\(problem)"]) { $1 })
      } else {
        logger.notice("deleted user erased", metadata: metadata.merging(["erased": "\(try row.string(2))"]) { $1 })
      }
      return true
    }
  }
}

/// The statements of erasures.
enum ErasureStatements {
  /// Stores a request. A repeated one of an erasure that is finished is carried out again: messages that were replayed may have brought data back.
  static let request = Statement(
    "request erasure",
    """
    insert into identity.erasures (workspace_id, user_id, requested_by, requested_at)
    values ($1, $2, $3, $4)
    on conflict (workspace_id, user_id) do update
    set requested_by = excluded.requested_by, requested_at = excluded.requested_at, tried_at = null, finished_at = null, erased = null
    where identity.erasures.finished_at is not null
    """)

  static func parameters(of user: ResourceKey, _ actor: Command.Actor, at time: Date) -> [PostgresValue] {
    [.uuid(user.workspace.uuid), .uuid(user.id.uuid), .text(actor.rawValue), .timestamp(time)]
  }

  static let noTimeout = Statement("set statement timeout of erasure", "set statement_timeout = 0")

  static let isWaiting = Statement(
    "is erasure waiting",
    """
    select exists (
      select
      from identity.erasures
      where finished_at is null
      and requested_at <= now() - make_interval(secs => $1)
      and coalesce(tried_at <= now() - interval '10 minutes', true)
    )
    """)

  static let run = Statement(
    "run erasure", "select workspace_id, user_id, erased::text, problem from identity.run_erasure(make_interval(secs => $1))")
}
