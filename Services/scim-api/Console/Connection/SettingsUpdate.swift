import EdgeHTTP
import Models

/// Saves the settings of a workspace that a form has changed.
struct SettingsUpdate: Sendable {
  let commands: CommandClient

  /// Why settings were not saved, and the status of the page with the error.
  struct Failure: Sendable, Equatable {
    var status: Int
    var message: String

    /// Another admin has changed the settings since the page was loaded.
    static let conflict = Failure(
      status: 409,
      message: """
        Somebody else has changed the settings since this page was opened. Nothing was saved. The page shows the current settings with \
        your input: check it and save again.
        """)
  }

  /// Saves settings. Returns nil on success.
  ///
  /// - Parameters:
  ///   - stored: the settings that were changed.
  ///   - form: the form, with the version of the settings that its page has shown.
  /// - Throws: the error of identity-store if the status is at least 500.
  func save(
    _ settings: WorkspaceSettings, in stored: StoredSettings, _ form: Form, _ context: ConsoleContext
  ) async throws -> Failure? {
    guard form["version"] == String(stored.version) else { return .conflict }
    guard settings != stored.settings else { return nil }
    let outcome = try await commands.execute(
      .updateWorkspace(settings), on: context.workspace.resource, expecting: [stored.version], for: context.session.caller,
      info: context.info)
    switch outcome {
    case .done, .resource, .signIn, .bulk: return nil
    case .refused(412, _): return .conflict
    case .refused(let status, let error):
      let error = APIError(status: status, stored: error)
      guard status < 500 else { throw error }
      return Failure(status: 422, message: error.error.detail)
    }
  }
}
