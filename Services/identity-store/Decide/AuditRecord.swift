import Foundation
import Models

/// A row of `identity.audit`: who changed what, with the values before and after.
struct AuditRecord: Sendable, Equatable {
  var workspace: WorkspaceID
  var command: CommandID
  var at: Date
  var actor: String
  var action: String
  var target: String
  /// JSON, without secrets.
  var summary: String
  /// The HTTP status of a refusal; `nil` if the command was carried out.
  var status: Int?
  /// The detail of the SCIM error of a refusal.
  var detail: String?
}

extension ParsedCommand {
  /// Whether the audit trail records the command: see ``AuditScope``. People and operators are always recorded.
  var isAudited: Bool {
    let actor = command.actor.rawValue
    if actor.hasPrefix("service:") { return payload.auditScope == .everyone }
    if actor.hasPrefix("token:") || actor.hasPrefix("client:") { return payload.auditScope != .people }
    return true
  }
}
