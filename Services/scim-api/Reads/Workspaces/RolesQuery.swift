import EdgeHTTP
import Models
import Postgres

/// Counts the users of a workspace by role.
package struct RolesQuery: Sendable {
  let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The number of users for each role that users have.
  ///
  /// - Throws: 429 if the workspace uses too many connections for such reads; `PostgresError`.
  package func usersByRole(in workspace: WorkspaceID) async throws -> [String: Int] {
    var users: [String: Int] = [:]
    for row in try await database.search(Self.statement, [.uuid(workspace.uuid)], in: workspace) {
      users[try row.string(0)] = try row.int(1)
    }
    return users
  }

  private static let statement = Statement(
    "management_roles",
    """
    select role, count(*)
    from identity_read.users
    where workspace_id = $1
    group by role
    """)
}
