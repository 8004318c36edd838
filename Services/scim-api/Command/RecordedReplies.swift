import Models
import Postgres

/// The replies that identity-store recorded with its commands, for when the message with the reply did not come.
struct RecordedReplies: Sendable {
  let database: Database

  private static let statement = Statement(
    "scim_api_reply",
    """
    select r.command_id, r.attributes, r.data
    from identity_read.replies r
    where r.workspace_id = $1
    and r.command_id = any ($2)
    """)

  /// The replies there are to `commands`.
  func replies(to commands: [CommandID], in workspace: WorkspaceID) async throws -> [CommandID: Reply] {
    let rows = try await database.query(Self.statement, [.uuid(workspace.uuid), .uuidArray(commands.map(\.uuid))], in: workspace)
    var replies: [CommandID: Reply] = [:]
    for row in rows {
      let command = CommandID(try row.uuid(0))
      replies[command] = try Reply(
        command: command, attributes: [String: String](pairs: try row.textArray(1)), data: try row.bytes(2))
    }
    return replies
  }
}
