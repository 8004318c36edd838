import Foundation
import Logging
import Models
import Postgres
import ServiceLifecycle

/// Deletes workspaces whose time has come, in all schemas and in pages, each in a transaction of its own. For a month it deletes daily what messages
/// that were still on topics have brought back.
///
/// Any number of processes can run it: each page takes a lock. After a crash, another process continues.
struct WorkspaceDeletionRunner: Service {
  let pool: PostgresPool
  let logger: Logger
  /// The polling interval.
  var interval = Duration.seconds(20)
  /// How old an order must be, so that what was in flight between the services has arrived.
  var delay = Duration.seconds(60)
  /// The number of rows of each table that a transaction deletes.
  var page = 2000

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          if try await runNext() { continue }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("a workspace was not deleted completely; will retry", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: interval) } catch { return }
      }
    }
  }

  /// Deletes the next workspace, and returns whether there was one.
  func runNext() async throws -> Bool {
    guard
      let id = try await pool.query(WorkspaceDeletionStatements.next, [.double(delay / .seconds(1))]).first?.optionalUUID(0)
    else { return false }
    let metadata: Logger.Metadata = ["workspace": "\(WorkspaceID(id))"]
    logger.notice("deleting a workspace", metadata: metadata)
    return try await pool.withExclusiveConnection { session in
      _ = try await session.query(ErasureStatements.noTimeout)
      while !Task.isCancelled {
        let rows = try await session.query(
          WorkspaceDeletionStatements.deletePage, [.uuid(id), .int(Int64(page))], hasTimeLimit: false)
        // Another process is at it, or the workspace was restored.
        guard let deleted = try rows.first?.optionalInt(0) else { return false }
        if deleted == 0 {
          logger.notice("workspace deleted", metadata: metadata)
          return true
        }
      }
      return false
    }
  }
}

/// The statements of deletions.
enum WorkspaceDeletionStatements {
  static let next = Statement("next workspace deletion", "select identity.next_workspace_deletion(make_interval(secs => $1))")

  static let deletePage = Statement("delete page of workspace", "select identity.delete_workspace_page($1, $2)")
}
