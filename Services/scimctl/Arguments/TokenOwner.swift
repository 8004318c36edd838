import ArgumentParser
import Models
import Postgres
import ServiceKit

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
    /// - Throws: ``ScimctlError`` if there is no such workspace; `PostgresError`.
    func resolve(_ settings: ServiceSettings, on pool: PostgresPool) async throws -> TokenOwner {
      switch self {
      case .deployment: return TokenOwner(id: .deployment, title: "The deployment")
      case .workspace(let option):
        let workspace = try await option.resolve(settings, on: pool)
        return TokenOwner(id: workspace.id, title: "Workspace \(workspace.settings.slug)")
      }
    }
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
