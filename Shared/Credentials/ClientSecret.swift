import Models

/// The secret of an OAuth client (RFC 6749 §2.3.1): `rollcall_client_` and what an ``AccessToken`` has behind its prefix. It opens nothing
/// by itself: with it a client asks for short-lived access tokens.
public struct ClientSecret: Sendable, Hashable {
  public static let prefix = "rollcall_client_"

  /// The whole text, as a client sends it.
  public let text: String
  public let workspace: WorkspaceID

  /// Parses a secret; nil where the form or the checksum is wrong, so without asking the database.
  public init?(_ text: String) {
    guard let workspace = CheckedSecret.workspace(in: text, prefix: Self.prefix) else { return nil }
    self.text = text
    self.workspace = workspace
  }

  /// A new secret, of the system's randomness.
  public static func made(for workspace: WorkspaceID) -> ClientSecret {
    var generator = SystemRandomNumberGenerator()
    return ClientSecret(
      text: CheckedSecret.text(prefix: prefix, workspace: workspace, using: &generator), workspace: workspace)
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }
}
