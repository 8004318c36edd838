import MailTemplates
import Models
import Synchronization

/// Caches the workspace data that mails are composed with, by version.
final class WorkspaceCache: Sendable {
  /// The data of a workspace.
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

  /// Returns the data of this version, loaded if necessary; nil if the workspace is unknown.
  ///
  /// - Throws: `PostgresError`; `MustacheTemplate`'s parser error.
  func entry(_ version: WorkspaceVersion) async throws -> Entry? {
    if let entry = entries.withLock({ $0[version.workspace] }), entry.version == version { return entry }
    guard let (settings, templates) = try await store.workspace(version.workspace) else { return nil }
    let notice = WorkspaceNotice(
      settings, templates: try CustomTemplates(templates),
      version: .init(of: version.workspace, settings: version.version, templates: version.templates))
    let entry = Entry(version: version, settings: settings, notice: notice)
    entries.withLock { entries in
      if entries.count >= Self.maximum { entries.removeAll() }
      entries[version.workspace] = entry
    }
    return entry
  }

  private static let maximum = 1000
}
