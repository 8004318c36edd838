import Models

/// The secret in a link that opens one session of the console, once: `rollcall_link_` and what an ``AccessToken`` has behind its prefix.
public struct LinkKey: Sendable, Hashable {
  public static let prefix = "rollcall_link_"

  /// The whole text, as it stands in the link.
  public let text: String
  public let workspace: WorkspaceID

  /// Parses a key; nil where the form or the checksum is wrong, so without asking the database.
  public init?(_ text: String) {
    guard let workspace = CheckedSecret.workspace(in: text, prefix: Self.prefix) else { return nil }
    self.text = text
    self.workspace = workspace
  }

  /// A new key, of the system's randomness.
  public static func made(for workspace: WorkspaceID) -> LinkKey {
    var generator = SystemRandomNumberGenerator()
    return LinkKey(text: CheckedSecret.text(prefix: prefix, workspace: workspace, using: &generator), workspace: workspace)
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }
}
