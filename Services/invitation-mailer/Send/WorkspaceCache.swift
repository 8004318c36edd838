import MailTemplates
import Models
import Synchronization

/// What mails need to know of workspaces, read again when it has changed.
final class WorkspaceCache: Sendable {
  struct Entry: Sendable {
    var version: WorkspaceVersion
    var settings: WorkspaceSettings
    var notice: WorkspaceNotice
  }

  private let store: InvitationStore
  private let entries = Mutex<[WorkspaceID: Entry]>([:])

  init(store: InvitationStore) {
    self.store = store
  }

  /// nil where the workspace is not known.
  ///
  /// - Throws: `PostgresError`; the template parser's error.
  func entry(_ version: WorkspaceVersion) async throws -> Entry? {
    if let entry = entries.withLock({ $0[version.workspace] }), entry.version == version { return entry }
    guard let (settings, templates) = try await store.workspace(version.workspace) else { return nil }
    let entry = Entry(
      version: version, settings: settings, notice: WorkspaceNotice(settings, templates: try CustomTemplates(templates)))
    entries.withLock { entries in
      if entries.count >= Self.maximum { entries.removeAll() }
      entries[version.workspace] = entry
    }
    return entry
  }

  private static let maximum = 1000
}
