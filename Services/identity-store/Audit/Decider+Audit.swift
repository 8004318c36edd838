import Models
import SCIM

extension Decider {
  /// Decides a command of a person, and writes down what it did, refused or not.
  mutating func decideAudited(_ read: ReadCommand, _ decide: (inout Decider) -> Reply) -> Reply {
    guard read.command.isAudited else { return decide(&self) }
    let touched = Touches(of: [read])
    let before = AuditedState(touched, of: read.command.workspace, in: state)
    let reply = decide(&self)
    let after = AuditedState(touched, of: read.command.workspace, in: state)
    var record = AuditRecord(
      workspace: read.command.workspace, command: read.command.id, at: now, actor: read.command.actor.rawValue,
      action: read.command.operation.action, target: target(of: read, touched),
      summary: AuditSummary.text(of: read.command, before: before, after: after))
    if case .refused(let status, let error) = reply.outcome {
      record.status = status
      do { record.detail = try JSON(parsing: error).object?["detail"]?.string } catch { record.detail = nil }
    }
    audit(record)
    return reply
  }

  /// What a command is about, in a few words.
  private func target(of read: ReadCommand, _ touched: Touches) -> String {
    let workspace = state.workspaces[read.command.workspace]?.settings.slug ?? touched.slugs.first ?? "\(read.command.workspace)"
    if let key = touched.tokens.first {
      return "token \(key.id)\(state.tokens[key].map { " '\($0.name)'" } ?? "")"
    }
    if read.command.resource == read.command.workspace.resource { return "workspace \(workspace)" }
    return "resource \(read.command.resource)"
  }
}
