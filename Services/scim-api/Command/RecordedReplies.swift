import Models
import Postgres

/// The replies that identity-store recorded with its commands, for when the message with the reply did not come.
struct RecordedReplies: Sendable {
  let database: Database

  private static let statement = Statement(
    "scim_api_reply",
    """
    select r.attributes, r.data
    from identity_read.replies r
    where r.workspace_id = $1
    and r.command_id = $2
    """)

  func reply(to command: CommandID, in workspace: WorkspaceID) async throws -> Reply? {
    let rows = try await database.query(Self.statement, [.uuid(workspace.uuid), .uuid(command.uuid)])
    guard let row = rows.first else { return nil }
    return try Reply(command: command, attributes: [String: String](pairs: try row.textArray(0)), data: try row.bytes(1))
  }
}
