import Models

/// What a browser shows that it has a session of the console: `rollcall_session_` and what an ``AccessToken`` has behind its prefix.
///
/// Half of its random bits, the ``seed``, stay for as long as the session lasts, so that what is made of them, such as the proof that a form
/// is of the session, outlives the secret; the other half is new with each rotation.
public struct SessionSecret: Sendable, Hashable {
  public static let prefix = "rollcall_session_"

  /// The whole text, as the browser sends it.
  public let text: String
  public let workspace: WorkspaceID
  /// Known to the browser and whoever has its cookie; nobody who reads the database has it.
  public let seed: [UInt8]

  private static let seedBytes = 16

  /// Parses a secret; nil where the form or the checksum is wrong, so without asking the database.
  public init?(_ text: String) {
    guard let content = CheckedSecret.content(of: text, prefix: Self.prefix) else { return nil }
    self.text = text
    workspace = WorkspaceID(bytes: content.workspace)
    seed = Array(content.secret.prefix(Self.seedBytes))
  }

  /// A new secret, of the system's randomness.
  public static func made(for workspace: WorkspaceID) -> SessionSecret {
    var generator = SystemRandomNumberGenerator()
    return SessionSecret(workspace: workspace, secret: CheckedSecret.random(using: &generator))
  }

  /// A secret for the same session, which tells nobody who has this one what it is.
  public func rotated() -> SessionSecret {
    var generator = SystemRandomNumberGenerator()
    return SessionSecret(workspace: workspace, secret: seed + CheckedSecret.random(using: &generator).dropFirst(Self.seedBytes))
  }

  private init(workspace: WorkspaceID, secret: [UInt8]) {
    text = CheckedSecret.text(prefix: Self.prefix, workspace: workspace, secret: secret)
    self.workspace = workspace
    seed = Array(secret.prefix(Self.seedBytes))
  }
}
