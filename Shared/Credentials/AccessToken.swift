import Models

/// An API access token: `rollcall_`, then base64url of a workspace id, 256 random bits and a checksum.
///
/// Secret scanners recognise the prefix and verify the checksum. The workspace id makes the lookup of a token a lookup within one workspace.
/// Only the SHA-256 digest of the text is stored.
public struct AccessToken: Sendable, Hashable {
  /// What every access token starts with.
  public static let prefix = "rollcall_"

  /// The complete text, as a client sends it.
  public let text: String
  /// The workspace that it belongs to.
  public let workspace: WorkspaceID

  /// Parses a access token; nil if the format or the checksum is wrong. Malformed input never reaches the database.
  public init?(_ text: String) {
    guard let workspace = SecretFormat.workspace(in: text, prefix: Self.prefix) else { return nil }
    self.text = text
    self.workspace = workspace
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }

  /// Generates an access token. `generator` must be cryptographically secure.
  public static func made(for workspace: WorkspaceID, using generator: inout some RandomNumberGenerator) -> AccessToken {
    AccessToken(text: SecretFormat.text(prefix: prefix, workspace: workspace, using: &generator), workspace: workspace)
  }

  /// The access token with these 32 bytes as its random part, which must be unpredictable.
  public static func made(for workspace: WorkspaceID, secret: [UInt8]) -> AccessToken {
    AccessToken(text: SecretFormat.text(prefix: prefix, workspace: workspace, secret: secret), workspace: workspace)
  }

  /// Generates an access token with the system random number generator.
  public static func made(for workspace: WorkspaceID) -> AccessToken {
    var generator = SystemRandomNumberGenerator()
    return made(for: workspace, using: &generator)
  }
}
