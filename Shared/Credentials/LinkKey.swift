import Models

/// The secret in a single-use sign-in link to the console: `rollcall_link_`, then the same content as an ``AccessToken``.
public struct LinkKey: Sendable, Hashable {
  /// What every link key starts with.
  public static let prefix = "rollcall_link_"

  /// The complete text, as it appears in the link.
  public let text: String
  /// The workspace that it belongs to.
  public let workspace: WorkspaceID

  /// Parses a link key; nil if the format or the checksum is wrong. Malformed input never reaches the database.
  public init?(_ text: String) {
    guard let workspace = SecretFormat.workspace(in: text, prefix: Self.prefix) else { return nil }
    self.text = text
    self.workspace = workspace
  }

  /// Generates a link key with the system random number generator.
  public static func made(for workspace: WorkspaceID) -> LinkKey {
    var generator = SystemRandomNumberGenerator()
    return LinkKey(text: SecretFormat.text(prefix: prefix, workspace: workspace, using: &generator), workspace: workspace)
  }

  /// The link key with these 32 bytes as its random part, which must be unpredictable.
  public static func made(for workspace: WorkspaceID, secret: [UInt8]) -> LinkKey {
    LinkKey(text: SecretFormat.text(prefix: prefix, workspace: workspace, secret: secret), workspace: workspace)
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }
}
