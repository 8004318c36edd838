import Models
import SCIM

extension Decider {
  /// Decides a command of a person, and writes down what it did, refused or not.
  mutating func decideAudited(_ read: ReadCommand, _ decide: (inout Decider) -> Reply) -> Reply {
    guard read.command.isAudited else { return decide(&self) }
    let touched = WriteSet(of: [read])
    let before = AuditedState(touched, of: read.command.workspace, in: state)
    let known = audited.count
    let reply = decide(&self)
    // A command has one entry, and that of a relink says more.
    guard audited.count == known else { return reply }
    let after = AuditedState(touched, of: read.command.workspace, in: state)
    var record = AuditRecord(
      workspace: read.command.workspace, command: read.command.id, at: now, actor: read.command.actor.rawValue,
      action: read.command.operation.action, target: target(of: read, touched),
      summary: AuditSummary.text(of: read.command, before: before, after: after, outcome: reply.outcome))
    if case .refused(let status, let error) = reply.outcome {
      record.status = status
      do { record.detail = try JSON(parsing: error).object?["detail"]?.string } catch { record.detail = nil }
    }
    audit(record)
    return reply
  }

  /// What a command is about, in a few words.
  private func target(of read: ReadCommand, _ touched: WriteSet) -> String {
    let workspace = state.workspaces[read.command.workspace]?.settings.slug ?? touched.slugs.first ?? "\(read.command.workspace)"
    if let id = read.payload.token {
      let token = state.tokens[ResourceKey(workspace: read.command.workspace, id: id.resource)]
      return "\((token?.kind ?? .token).noun) \(id)\(token.map { " '\($0.name)'" } ?? "")"
    }
    if let person = person(meantBy: read) { return person }
    if read.command.resource == read.command.workspace.resource { return "workspace \(workspace)" }
    return "resource \(read.command.resource)"
  }
}

extension Decider {
  /// Of a command that names somebody by an address: the trail is for ever, and holds their id in its place.
  private func person(meantBy read: ReadCommand) -> String? {
    switch read.payload {
    case .promoteUser(let signIn): user(signIn.user, email: signIn.email, in: read.command.workspace)
    case .reportMail(let report):
      report.invitation.map { "invitation \($0)" } ?? user(nil, email: report.email, in: read.command.workspace)
    default: nil
    }
  }

  private func user(_ id: UserID?, email: String?, in workspace: WorkspaceID) -> String {
    person(id, email: email, in: workspace).map { "user \($0.id)" } ?? id.map { "user \($0)" } ?? "nobody known"
  }
}

extension ReadCommand.Payload {
  /// The token, or what is kept as one, that a command is about; of a rotation, the one that is to be replaced.
  fileprivate var token: TokenID? {
    switch self {
    case .issueToken(let grant): grant.token
    case .revokeToken(let revocation): revocation.token
    case .rotateToken(let rotation): rotation.token
    case .rotateSecret(let rotation): rotation.client
    default: nil
    }
  }
}

extension TokenKind {
  /// What the audit trail calls one. A client was a token there before it had a word of its own.
  fileprivate var noun: String {
    switch self {
    case .token, .client: "token"
    case .session: "session"
    case .link: "link"
    }
  }
}
