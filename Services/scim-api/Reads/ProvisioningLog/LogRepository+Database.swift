import EdgeHTTP
import Models
import Postgres
import ProvisioningLog

extension LogRepository {
  /// A repository that reads with the row security of a workspace.
  package init(_ database: Database, in workspace: WorkspaceID) {
    self.init { try await database.query($0, $1, in: workspace) }
  }

  /// The current name of the resource of an entry; nil if the resource does not exist.
  package static func presentName(of entry: LogEntry, in workspace: WorkspaceID, of database: Database) async throws -> String? {
    guard let resource = entry.resource, let type = entry.resourceType else { return nil }
    let statement = type == .user ? userStatement : groupStatement
    return try await database.query(statement, [.uuid(workspace.uuid), .uuid(resource.uuid)], in: workspace).first?.string(0)
  }

  private static let userStatement = Statement(
    "console_entry_user",
    """
    select user_name
    from identity_read.users
    where workspace_id = $1
    and id = $2
    """)

  private static let groupStatement = Statement(
    "console_entry_group",
    """
    select display_name
    from identity_read.groups
    where workspace_id = $1
    and id = $2
    """)
}
