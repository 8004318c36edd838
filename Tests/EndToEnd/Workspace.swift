import Testing

/// Tests with the real executables, Kafka, PostgreSQL and SMTP. They share one deployment and run one after the other, because some of them
/// stop processes.
@Suite("End to end", .serialized)
enum EndToEnd {}

/// A workspace of the deployment, with an identity provider connected to it.
struct Workspace: Sendable {
  let deployment: Deployment
  let slug: String
  let identityProvider: IdentityProvider

  /// Runs `scimctl` for the workspace and returns its output.
  @discardableResult
  func scimctl(_ arguments: [String]) async throws -> String {
    try await deployment.scimctl(arguments, workspace: slug)
  }

  /// The email addresses of the visible members of a group.
  func visibleMembers(of group: String) async throws -> [String] {
    try await scimctl(["group", "members", group]).split(separator: "\n").map(String.init)
  }
}

extension String {
  /// The text of a table, with one space between columns.
  var withoutAlignment: String {
    split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }.joined(separator: "\n")
  }
}
