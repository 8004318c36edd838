import Foundation
import Models
import Postgres
import Primitives

/// Finds ids by their first characters.
protocol IDAdministration: Sendable {
  /// The ids with a prefix in ascending order, some more than an error message lists if there are many.
  func ids(of kind: ListedKind, beginningWith prefix: IDPrefix, in workspace: StoredWorkspace) async throws -> [UUID]
}

/// What has ids that commands accept by their first characters, as the management API names it.
enum ListedKind: String, Sendable {
  case invitations, receipts, audit
  case heldChanges = "held-changes"
  case provisioningLog = "provisioning-log"

  /// One of them, in error messages.
  var noun: String {
    switch self {
    case .invitations: "user or invitation"
    case .receipts: "receipt"
    case .audit, .provisioningLog: "entry"
    case .heldChanges: "held change"
    }
  }

  /// The command that lists them.
  var list: String {
    switch self {
    case .invitations: "scimctl invitation list"
    case .receipts: "scimctl receipt list"
    case .audit: "scimctl audit list"
    case .heldChanges: "scimctl held list --all"
    case .provisioningLog: "scimctl log tail"
    }
  }
}

extension IDAdministration {
  /// Finds the id with a prefix.
  ///
  /// - Throws: ``ScimctlError`` if no id or several ids have the prefix.
  func id(of kind: ListedKind, _ prefix: IDPrefix, in workspace: StoredWorkspace) async throws -> UUID {
    let found = try await ids(of: kind, beginningWith: prefix, in: workspace)
    return try IDPrefix.only(of: found, prefix.text, kind.noun, list: kind.list, in: workspace.settings.slug)
  }
}

extension DirectAdministration: IDAdministration {
  func ids(of kind: ListedKind, beginningWith prefix: IDPrefix, in workspace: StoredWorkspace) async throws -> [UUID] {
    let statement =
      switch kind {
      case .invitations: IDQueries.invitationIDs
      case .receipts: IDQueries.receiptIDs
      case .audit: IDQueries.auditIDs
      case .heldChanges: IDQueries.heldChangeIDs
      case .provisioningLog: IDQueries.logEntryIDs
      }
    return try await pool.query(
      statement,
      [.uuid(workspace.id.uuid), .uuid(prefix.lowest), .uuid(prefix.highest), .int(Int64(IDPrefix.maximumListed) + 1)]
    ).map { try $0.uuid(0) }
  }
}

extension ServerAdministration: IDAdministration {
  func ids(of kind: ListedKind, beginningWith prefix: IDPrefix, in workspace: StoredWorkspace) async throws -> [UUID] {
    struct Body: Decodable { var ids: [UUID] }
    let body: Body = try await client.get(
      .workspace("\(workspace.id)", "ids"), query: [(name: "of", value: kind.rawValue), (name: "prefix", value: prefix.text)]
    ).decoded(as: "list of ids")
    return body.ids
  }
}
