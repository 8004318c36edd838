import EdgeHTTP
import Foundation
import Models
import Postgres
import Primitives

/// Finds the ids that begin with some characters, for people who do not type complete ids.
package struct IDsQuery: Sendable {
  private let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// What the ids are of.
  package enum Kind: String, Sendable, CaseIterable {
    case members, groups, invitations, tokens, receipts, audit
    case heldChanges = "held-changes"
    case provisioningLog = "provisioning-log"
  }

  /// The ids with a prefix in ascending order, at most `limit`.
  package func ids(of kind: Kind, beginningWith prefix: UUIDPrefix, limit: Int, in workspace: WorkspaceID) async throws -> [UUID] {
    try await database.query(
      kind.statement, [.uuid(workspace.uuid), .uuid(prefix.lowest), .uuid(prefix.highest), .int(Int64(limit))], in: workspace
    ).map { try $0.uuid(0) }
  }
}

extension IDsQuery.Kind {
  fileprivate var statement: Statement {
    switch self {
    case .members: Self.members
    case .groups: Self.groups
    case .invitations: Self.invitations
    case .tokens: Self.tokens
    case .receipts: Self.receipts
    case .audit: Self.auditEntries
    case .heldChanges: Self.held
    case .provisioningLog: Self.logEntries
    }
  }

  private static let members = ids(of: "members", in: "identity_read.users", column: "id")
  private static let groups = ids(of: "groups", in: "identity_read.groups", column: "id")
  private static let invitations = ids(of: "invitations", in: "mailer_read.invitations", column: "id")
  private static let tokens = ids(of: "tokens", in: "identity_read.tokens", column: "id", and: "kind in ('token', 'client')")
  private static let receipts = ids(of: "receipts", in: "directory_read.receipts", column: "id")
  private static let auditEntries = ids(of: "audit", in: "identity_read.audit", column: "command_id")
  private static let held = ids(of: "held changes", in: "identity_read.held_changes", column: "id")
  private static let logEntries = ids(of: "log entries", in: "identity_read.provisioning_log", column: "id")

  private static func ids(of what: String, in view: String, column: String, and condition: String = "true") -> Statement {
    Statement(
      "scim_api ids of \(what)",
      """
      select \(column)
      from \(view)
      where workspace_id = $1
      and \(column) between $2 and $3
      and \(condition)
      order by \(column)
      limit $4::int8
      """)
  }
}
