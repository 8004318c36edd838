import Models
import Postgres

/// The replies that identity-store recorded with its commands, for when the message with the reply did not come.
struct RecordedReplies: Sendable {
  let database: Database

  private static let statement = Statement(
    "scim_api_reply",
    """
    select r.attributes::text, r.data
    from identity_read.replies r
    where r.workspace_id = $1
    and r.command_id = $2
    """)

  func reply(to command: CommandID, in workspace: WorkspaceID) async throws -> Reply? {
    let rows = try await database.query(Self.statement, [.uuid(workspace.uuid), .uuid(command.uuid)])
    guard let row = rows.first else { return nil }
    let attributes: [String: String] = try JSONData.decode(from: try row.bytes(0), type: "recorded reply")
    return try Reply(command: command, attributes: attributes, data: try row.bytes(1))
  }
}
