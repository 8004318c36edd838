import ArgumentParser
import Models

/// What a token belongs to: a workspace, or the deployment.
struct TokenOwner: Sendable, Equatable {
  /// The workspace; ``WorkspaceID/deployment`` for the deployment.
  var id: WorkspaceID
  /// The owner in messages, such as `Workspace acme`.
  var title: String

  /// The owner as the arguments of a command name it.
  enum Option: Sendable {
    case workspace(WorkspaceOption)
    case deployment

    /// Finds the owner.
    ///
    /// - Throws: ``ScimctlError`` if there is no such workspace.
    func resolve(_ administration: any Administration) async throws -> TokenOwner {
      switch self {
      case .deployment: return .deployment
      case .workspace(let option): return TokenOwner(try await administration.workspace(option))
      }
    }
  }

  /// The deployment.
  static let deployment = TokenOwner(id: .deployment, title: "The deployment")

  /// A workspace.
  init(_ workspace: StoredWorkspace) {
    self.init(id: workspace.id, title: "Workspace \(workspace.settings.slug)")
  }

  /// An owner.
  init(id: WorkspaceID, title: String) {
    self.id = id
    self.title = title
  }
}

/// The option `--deployment` of commands for tokens.
struct DeploymentOption: ParsableArguments {
  @Flag(name: .customLong("deployment"), help: "The deployment-wide tokens, instead of those of a workspace.")
  var isGiven = false

  /// The deployment if the option is given, else the workspace.
  func owner(or workspace: WorkspaceOption) -> TokenOwner.Option { isGiven ? .deployment : .workspace(workspace) }

  /// - Throws: `ValidationError` if a workspace is given, too.
  func validate(with workspace: WorkspaceOption) throws(ValidationError) {
    if isGiven, workspace.slug != nil { throw ValidationError("--deployment and --workspace exclude each other.") }
  }
}
