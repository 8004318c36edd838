import EdgeHTTP
import Models
import Postgres

/// Reads the names of tokens.
package struct TokenNames: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The names of `tokens` by id.
  package func names(of tokens: Set<TokenID>, in workspace: WorkspaceID) async throws -> [TokenID: String] {
    guard !tokens.isEmpty else { return [:] }
    let rows = try await database.query(
      Self.statement, [.uuid(workspace.uuid), .uuidArray(tokens.sorted().map(\.uuid))], in: workspace)
    return try Dictionary(rows.map { (TokenID(try $0.uuid(0)), try $0.string(1)) }) { first, _ in first }
  }

  private static let statement = Statement(
    "console_token_names",
    """
    select id, name
    from identity_read.tokens
    where workspace_id = $1
    and id = any ($2)
    """)
}
