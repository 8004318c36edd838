import Models
import Synchronization

/// The workspaces that were loaded last, so that unchanged settings are neither sent nor decoded again. The database says with every batch
/// which version is current.
final class WorkspaceCache: Sendable {
  private let records = Mutex<[WorkspaceID: WorkspaceRecord]>([:])
  private let capacity: Int

  /// - Parameter capacity: The maximum number of workspaces. Beyond it, the cache starts again with the workspaces of the next batch.
  init(capacity: Int = 1000) {
    self.capacity = capacity
  }

  /// The cached records of `workspaces`.
  func records(of workspaces: Set<WorkspaceID>) -> [WorkspaceID: WorkspaceRecord] {
    records.withLock { records in
      var known: [WorkspaceID: WorkspaceRecord] = [:]
      for workspace in workspaces { known[workspace] = records[workspace] }
      return known
    }
  }

  func store(_ loaded: some Collection<WorkspaceRecord>) {
    records.withLock { records in
      if records.count + loaded.count > capacity { records.removeAll() }
      for record in loaded where (records[record.id]?.version ?? 0) <= record.version { records[record.id] = record }
    }
  }
}
