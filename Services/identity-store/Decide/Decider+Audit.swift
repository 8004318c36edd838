import Models
import SCIM

extension Decider {
  /// Decides a command and, if the audit trail covers it, records its effect or its refusal.
  mutating func decideAudited(_ parsed: ParsedCommand, _ decide: (inout Decider) -> Reply) -> Reply {
    guard parsed.isAudited else { return decide(&self) }
    let command = parsed.command
    let writeSet = WriteSet(of: [parsed])
    let before = AuditedState(writeSet, of: command.workspace, in: state)
    let count = audited.count
    let reply = decide(&self)
    // A command has one entry. Relinking writes a more detailed one itself.
    guard audited.count == count else { return reply }
    let after = AuditedState(writeSet, of: command.workspace, in: state)
    var record = AuditRecord(
      workspace: command.workspace, command: command.id, at: now, actor: command.actor.rawValue,
      action: command.operation.name, target: auditTarget(of: parsed, writeSet),
      summary: AuditSummary.text(of: parsed, before: before, after: after, outcome: reply.outcome))
    if case .refused(let status, let error) = reply.outcome {
      record.status = status
      do { record.detail = try JSON(parsing: error).object?["detail"]?.string } catch { record.detail = nil }
    }
    audit(record)
    return reply
  }

  /// A short text that names what the command is about.
  private func auditTarget(of parsed: ParsedCommand, _ writeSet: WriteSet) -> String {
    let command = parsed.command
    if let target = parsed.payload.auditTarget(of: command, in: self) { return target }
    guard command.resource == command.workspace.resource else { return "resource \(command.resource)" }
    return "workspace \(state.workspaces[command.workspace]?.settings.slug ?? writeSet.slugs.first ?? "\(command.workspace)")"
  }
}
