import Models

/// The secret of an OAuth client (RFC 6749 §2.3.1): `rollcall_client_`, then the same content as an ``AccessToken``.
///
/// A client exchanges it for short-lived access tokens. It does not authenticate any other request.
public struct ClientSecret: Sendable, Hashable {
  /// What every client secret starts with.
  public static let prefix = "rollcall_client_"

  /// The complete text, as a client sends it.
  public let text: String
  /// The workspace that it belongs to.
  public let workspace: WorkspaceID

  /// Parses a client secret; nil if the format or the checksum is wrong. Malformed input never reaches the database.
  public init?(_ text: String) {
    guard let workspace = SecretFormat.workspace(in: text, prefix: Self.prefix) else { return nil }
    self.text = text
    self.workspace = workspace
  }

  /// Generates a client secret with the system random number generator.
  public static func made(for workspace: WorkspaceID) -> ClientSecret {
    var generator = SystemRandomNumberGenerator()
    return ClientSecret(
      text: SecretFormat.text(prefix: prefix, workspace: workspace, using: &generator), workspace: workspace)
  }

  /// The client secret with these 32 bytes as its random part, which must be unpredictable.
  public static func made(for workspace: WorkspaceID, secret: [UInt8]) -> ClientSecret {
    ClientSecret(text: SecretFormat.text(prefix: prefix, workspace: workspace, secret: secret), workspace: workspace)
  }

  private init(text: String, workspace: WorkspaceID) {
    self.text = text
    self.workspace = workspace
  }
}
