import Foundation
import Models
import Postgres
import SCIM

/// Reads the audit trail.
protocol AuditAdministration: Sendable {
  /// The latest entries, the latest first.
  func auditEntries(_ selection: AuditSelection, in workspace: StoredWorkspace) async throws -> [AuditRow]
  /// An entry; nil if there is none.
  func auditEntry(_ id: CommandID, in workspace: StoredWorkspace) async throws -> AuditRow?
}

/// The entries of the audit trail to read.
struct AuditSelection: Sendable, Equatable {
  var actor: String?
  var action: String?
  var since: Date?
  /// Only rejected actions.
  var rejectedOnly = false
  /// The maximum number of entries.
  var limit = 100
}

extension DirectAdministration: AuditAdministration {
  func auditEntries(_ selection: AuditSelection, in workspace: StoredWorkspace) async throws -> [AuditRow] {
    try await pool.query(
      AuditQueries.audit,
      [
        .uuid(workspace.id.uuid), .optional(selection.actor, PostgresValue.text), .optional(selection.action, PostgresValue.text),
        .timestamp(selection.since ?? .distantPast), .bool(selection.rejectedOnly), .int(Int64(selection.limit)),
      ]
    ).map { try AuditRow($0) }
  }

  func auditEntry(_ id: CommandID, in workspace: StoredWorkspace) async throws -> AuditRow? {
    try await pool.query(AuditQueries.auditRow, [.uuid(workspace.id.uuid), .uuid(id.uuid)]).first.map { try AuditRow($0) }
  }
}

extension ServerAdministration: AuditAdministration {
  func auditEntries(_ selection: AuditSelection, in workspace: StoredWorkspace) async throws -> [AuditRow] {
    let query: [(name: String, value: String?)] = [
      (name: "actor", value: selection.actor), (name: "action", value: selection.action),
      (name: "since", value: selection.since.map(Timestamp.text)), (name: "rejected", value: selection.rejectedOnly ? "true" : nil),
    ]
    let found = try await client.list(.workspace("\(workspace.id)", "audit"), "entries", query: query, limit: selection.limit)
    return try found.items.map { try AuditRow(response: $0) }
  }

  func auditEntry(_ id: CommandID, in workspace: StoredWorkspace) async throws -> AuditRow? {
    do {
      let response = try await client.response(to: ManagementRequest(.get, .workspace("\(workspace.id)", "audit", "\(id)")))
      return try AuditRow(response: try response.json())
    } catch let problem as ServerProblem {
      guard problem.kind == "unknown-resource" else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }
}

extension AuditRow {
  /// - Parameter response: An entry in the form of the management API.
  /// - Throws: ``ScimctlError`` if it is none.
  init(response: JSON) throws(ScimctlError) {
    guard let object = response.object, let id = object["id"]?.string.flatMap({ CommandID($0) }),
      let at = object["at"]?.string.flatMap(Timestamp.date), let actor = object["actor"]?.string, let action = object["action"]?.string,
      let target = object["target"]?.string
    else { throw ScimctlError(.internal, "the server's response has an entry of the audit trail that this scimctl does not know") }
    self.init(
      id: id, at: at, actor: actor, action: action, target: target,
      summary: String(decoding: (object["changes"] ?? .object(JSONObject())).serialized(), as: UTF8.self),
      status: object["status"]?.integer.map { Int(clamping: $0) }, detail: object["detail"]?.string)
  }
}
