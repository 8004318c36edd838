import Models

/// The secret of a console session, sent as a cookie: `rollcall_session_`, then the same content as an ``AccessToken``.
///
/// Half of the random bits, the ``seed``, stay the same for the lifetime of the session, so values derived from them, such as CSRF tokens,
/// survive a rotation. The other half changes with every rotation.
public struct SessionSecret: Sendable, Hashable {
  /// What every session secret starts with.
  public static let prefix = "rollcall_session_"

  /// The complete text, as the browser sends it.
  public let text: String
  /// The workspace that it belongs to.
  public let workspace: WorkspaceID
  /// The constant half of the random bits. It is in the cookie but not in the database.
  public let seed: [UInt8]

  private static let seedBytes = 16

  /// Parses a session secret; nil if the format or the checksum is wrong. Malformed input never reaches the database.
  public init?(_ text: String) {
    guard let content = SecretFormat.content(of: text, prefix: Self.prefix) else { return nil }
    self.text = text
    workspace = WorkspaceID(bytes: content.workspace)
    seed = Array(content.secret.prefix(Self.seedBytes))
  }

  /// Generates a session secret with the system random number generator.
  public static func made(for workspace: WorkspaceID) -> SessionSecret {
    var generator = SystemRandomNumberGenerator()
    return SessionSecret(workspace: workspace, secret: SecretFormat.random(using: &generator))
  }

  /// Generates the next secret of the same session. It cannot be derived from this one.
  public func rotated() -> SessionSecret {
    var generator = SystemRandomNumberGenerator()
    return SessionSecret(workspace: workspace, secret: seed + SecretFormat.random(using: &generator).dropFirst(Self.seedBytes))
  }

  private init(workspace: WorkspaceID, secret: [UInt8]) {
    text = SecretFormat.text(prefix: Self.prefix, workspace: workspace, secret: secret)
    self.workspace = workspace
    seed = Array(secret.prefix(Self.seedBytes))
  }
}
