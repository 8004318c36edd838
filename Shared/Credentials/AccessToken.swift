import Models

/// The text of an API access token: `rollcall_` and base64url of workspace id, 256 random bits and a checksum.
///
/// The prefix and the checksum let a secret scanner tell one from other text; the workspace id in it makes the look-up of a
/// token a look-up within one workspace. Only the text's SHA-256 is stored.
public struct AccessToken: Sendable, Hashable {
  public static let prefix = "rollcall_"

  /// The whole text, as a client sends it.
  public let text: String
  public let workspace: WorkspaceID

  /// Parses a token; nil where the form or the checksum is wrong, so without asking the database.
  public init?(_ text: String) {
    guard let workspace = CheckedSecret.workspace(in: text, prefix: Self.prefix) else { return nil }
    self.text = text
    self.workspace = workspace
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }

  /// A new token; `generator` must be fit for secrets.
  public static func made(for workspace: WorkspaceID, using generator: inout some RandomNumberGenerator) -> AccessToken {
    AccessToken(text: CheckedSecret.text(prefix: prefix, workspace: workspace, using: &generator), workspace: workspace)
  }

  /// As ``made(for:using:)`` with the system's generator.
  public static func made(for workspace: WorkspaceID) -> AccessToken {
    var generator = SystemRandomNumberGenerator()
    return made(for: workspace, using: &generator)
  }
}
