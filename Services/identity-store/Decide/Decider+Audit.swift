import Foundation
import Models
import SCIM

/// A row of `identity.audit`: the actor, the action, and the values before and after.
struct AuditRecord: Sendable, Equatable {
  var workspace: WorkspaceID
  /// The id of the command, as ``CommandID/sorted(by:)``: the trail is read in the order of ids.
  var command: CommandID
  var at: Date
  var actor: String
  var action: String
  var target: String
  /// JSON, without secrets.
  var summary: String
  /// The HTTP status of a refusal; `nil` if the command was applied.
  var status: Int?
  /// The detail of the SCIM error of a refusal.
  var detail: String?
}

extension ParsedCommand {
  /// Whether the audit trail records the command: see ``AuditScope``. People and operators are always recorded.
  var isAudited: Bool {
    let actor = command.actor.rawValue
    if actor.hasPrefix("service:") { return payload.auditScope == .everyone }
    if ["token:", "client:", "deployment-token:"].contains(where: { actor.hasPrefix($0) }) { return payload.auditScope != .people }
    return true
  }
}

extension Decider {
  /// The entry for a command: its effect, or its refusal.
  ///
  /// - Parameter before: The state before the command.
  func auditRecord(of parsed: ParsedCommand, _ outcome: Reply.Outcome, before: AuditedState) -> AuditRecord {
    let command = parsed.command
    let after = AuditedState(of: parsed, in: state)
    var record = AuditRecord(
      workspace: command.workspace, command: command.id.sorted(by: now), at: now, actor: command.actor.rawValue,
      action: command.operation.name, target: auditTarget(of: parsed),
      summary: AuditSummary.text(of: parsed, before: before, after: after, outcome: outcome))
    if case .refused(let status, let error) = outcome {
      record.status = status
      do { record.detail = try JSON(parsing: error).object?["detail"]?.string } catch { record.detail = nil }
    }
    return record
  }

  /// The target of a command, as a short text.
  private func auditTarget(of parsed: ParsedCommand) -> String {
    let command = parsed.command
    if let target = parsed.payload.auditTarget(of: command, in: self) { return target }
    guard command.resource == command.workspace.resource else { return "resource \(command.resource)" }
    let slug = state.workspaces[command.workspace]?.settings.slug ?? WriteSet(of: [parsed]).slugs.first
    return "workspace \(slug ?? "\(command.workspace)")"
  }
}

extension CommandID {
  /// The same id if it sorts by time (UUID version 7). The id of a request with an idempotency key is derived from the key, and gets the time in
  /// place of its first bits.
  func sorted(by time: Date) -> CommandID {
    guard bytes[6] >> 4 != 7 else { return self }
    var sorted = Array(CommandID.made(at: time).bytes.prefix(6)) + bytes.dropFirst(6)
    sorted[6] = sorted[6] & 0x0F | 0x70
    return CommandID(bytes: sorted)
  }
}
