import EdgeHTTP
import EdgeReads
import Models

extension WorkspacesQuery {
  /// The workspace as it is stored now. The settings of a ``Caller`` may be a second old, so they are not shown to somebody who has just
  /// changed them.
  ///
  /// - Throws: 404 if there is no such workspace.
  func stored(_ id: WorkspaceID) async throws -> DetailedWorkspace {
    guard let workspace = try await workspace(id) else { throw ProblemDetails.unknownWorkspace("\(id)") }
    return workspace
  }
}
