import Models
import ServiceKit

/// A change of a workspace's settings: those there are, changed, in place of them.
///
/// identity-store takes it only where the settings are still those that were read; where somebody else was faster they are read again, so
/// that neither change is lost.
enum WorkspaceChange {
  private static let maximumAttempts = 10

  /// - Throws: ``Failure`` where there is no such workspace, or identity-store refuses the settings.
  static func carryOut(
    on slug: String, _ change: @Sendable (WorkspaceSettings) throws(Failure) -> WorkspaceSettings
  ) async throws {
    let configuration = try await Settings.forWriting()
    try await withDatabase(configuration) { pool in
      let conversation = try await CommandClient(configuration, pool: pool)
      for attempt in 1...maximumAttempts {
        let workspace = try await KnownWorkspace.named(slug, on: pool)
        let outcome = try await conversation.outcome(
          of: .updateWorkspace(change(workspace.settings)), in: workspace.id, expecting: [workspace.version])
        if case .refused(status: 412, _) = outcome, attempt < maximumAttempts { continue }
        return try CommandClient.check(outcome)
      }
    }
  }
}
