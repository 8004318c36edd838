import Foundation
import Models
import Postgres
import SCIM

/// Reads the receipts of deprovisioning, and the keys that sign them.
protocol ReceiptAdministration: Sendable {
  /// The receipts, of one user or of all, the latest first.
  func receipts(of user: UserID?, limit: Int, in workspace: StoredWorkspace) async throws -> [DeprovisionReceipt]
  /// A receipt; nil if there is none.
  func receipt(_ id: ReceiptID, in workspace: StoredWorkspace) async throws -> DeprovisionReceipt?
  /// The public keys of the security event tokens, as JSON Web Keys.
  func signingKeys() async throws -> [JSON]
}

extension DirectAdministration: ReceiptAdministration {
  func receipts(of user: UserID?, limit: Int, in workspace: StoredWorkspace) async throws -> [DeprovisionReceipt] {
    try await pool.query(
      ReceiptQueries.list, [.uuid(workspace.id.uuid), .optional(user?.uuid, PostgresValue.uuid), .int(Int64(limit))]
    ).map { try JSONData.decode(from: $0.bytes(0), type: "receipt") }
  }

  func receipt(_ id: ReceiptID, in workspace: StoredWorkspace) async throws -> DeprovisionReceipt? {
    try await pool.query(ReceiptQueries.one, [.uuid(workspace.id.uuid), .uuid(id.uuid)]).first.map { row in
      try JSONData.decode(from: row.bytes(0), type: "receipt")
    }
  }

  func signingKeys() async throws -> [JSON] {
    try await pool.query(ReceiptQueries.signingKeys).map { try JSON(parsing: $0.bytes(0)) }
  }
}

extension ServerAdministration: ReceiptAdministration {
  func receipts(of user: UserID?, limit: Int, in workspace: StoredWorkspace) async throws -> [DeprovisionReceipt] {
    try await client.list(
      of: DeprovisionReceipt.self, .workspace("\(workspace.id)", "receipts"), "receipts",
      query: [(name: "member", value: user.map { "\($0)" })], limit: limit
    ).items
  }

  func receipt(_ id: ReceiptID, in workspace: StoredWorkspace) async throws -> DeprovisionReceipt? {
    do {
      return try await client.response(to: ManagementRequest(.get, .workspace("\(workspace.id)", "receipts", "\(id)")))
        .decoded(as: "receipt")
    } catch let problem as ServerProblem {
      guard problem.kind == "unknown-resource" else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }

  func signingKeys() async throws -> [JSON] {
    try await client.get(.admin("signing-keys")).json().object?["keys"]?.array ?? []
  }
}

/// Statements that read receipts.
private enum ReceiptQueries {
  /// Receipts of workspace `$1`, only those of user `$2` unless null, the latest first, at most `$3`.
  static let list = Statement(
    "receipts",
    """
    select document
    from directory_read.receipts
    where workspace_id = $1
    and ($2::uuid is null or member_id = $2)
    order by id desc
    limit $3::int8
    """)

  /// Receipt `$2` of workspace `$1`.
  static let one = Statement("receipt", "select document from directory_read.receipts where workspace_id = $1 and id = $2")

  static let signingKeys = Statement("signing keys", "select jwk from directory_read.signing_keys order by first_used_at desc")
}
