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
    case .members: Self.memberIDs
    case .groups: Self.groupIDs
    case .invitations: Self.invitationIDs
    case .tokens: Self.tokenIDs
    case .receipts: Self.receiptIDs
    case .audit: Self.auditIDs
    case .heldChanges: Self.heldChangeIDs
    case .provisioningLog: Self.logEntryIDs
    }
  }

  private static let memberIDs = ids(of: "members", in: "identity_read.users", column: "id")
  private static let groupIDs = ids(of: "groups", in: "identity_read.groups", column: "id")
  private static let invitationIDs = ids(of: "invitations", in: "mailer_read.invitations", column: "id")
  private static let tokenIDs = ids(of: "tokens", in: "identity_read.tokens", column: "id", and: "kind in ('token', 'client')")
  private static let receiptIDs = ids(of: "receipts", in: "directory_read.receipts", column: "id")
  private static let auditIDs = ids(of: "audit", in: "identity_read.audit", column: "command_id")
  private static let heldChangeIDs = ids(of: "held changes", in: "identity_read.held_changes", column: "id")
  private static let logEntryIDs = ids(of: "log entries", in: "identity_read.provisioning_log", column: "id")

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
