import Models
import Synchronization

/// Caches the settings that events are decided with, so that a batch neither loads nor decodes settings that have not changed.
final class WorkspaceSettingsCache: Sendable {
  /// The settings of a workspace, and the version that identifies them.
  struct Entry: Sendable {
    var record: WorkspaceRecord
    /// Increases with every change of the templates, and with every correction of the settings.
    var templates: Int
  }

  private let entries = Mutex<[WorkspaceID: Entry]>([:])

  /// The cached settings of `workspaces`.
  func entries(of workspaces: some Sequence<WorkspaceID>) -> [WorkspaceID: Entry] {
    entries.withLock { entries in
      Dictionary(uniqueKeysWithValues: workspaces.compactMap { workspace in entries[workspace].map { (workspace, $0) } })
    }
  }

  /// Caches loaded settings.
  func insert(_ entry: Entry) {
    entries.withLock { entries in
      if entries.count >= Self.maximum { entries.removeAll() }
      entries[entry.record.id] = entry
    }
  }

  private static let maximum = 1000
}
