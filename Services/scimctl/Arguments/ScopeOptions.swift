import ArgumentParser
import Models

/// The options of commands about a workspace or about the whole deployment.
struct ScopeOptions: ParsableArguments {
  @OptionGroup var workspace: WorkspaceOption

  @Flag(name: .customLong("deployment"), help: "Of the whole deployment, instead of one workspace. Needs a deployment-wide token.")
  var isDeployment = false

  /// The workspace, or the deployment.
  ///
  /// - Throws: ``ScimctlError`` if there is no such workspace.
  func owner(_ server: ServerAdministration) async throws -> TokenOwner {
    isDeployment ? .deployment : TokenOwner(try await server.workspace(workspace))
  }

  /// - Throws: `ValidationError` if both are named.
  func checkOnlyOne() throws(ValidationError) {
    if isDeployment, workspace.slug != nil { throw ValidationError("--deployment and --workspace exclude each other.") }
  }
}
