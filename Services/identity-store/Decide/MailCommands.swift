import Models
import SCIM

/// Forwards an operator's order to invitation-mailer, in sequence with the other events of the user.
extension InvitationOrder: WorkspaceBoundCommand {
  /// The maximum size of a template in bytes of JSON: subject, text and HTML of 64 kB each, with room for escape sequences.
  static let maximumTemplateSize = 256 << 10

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    if let user { writeSet.users.insert(ResourceKey(workspace: command.workspace, id: user.resource)) }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    if let id = user {
      guard let user = decider.state.users[ResourceKey(workspace: command.workspace, id: id.resource)] else {
        throw SCIMError(status: 404, scimType: nil, detail: "The workspace has no user \(id); see 'scimctl user list'.")
      }
      if case .resend = self, user.state != .invited {
        throw SCIMError(
          status: 400, scimType: .invalidValue,
          detail: "\(user.userName) is \(user.state.rawValue): only someone who is invited gets an invitation.")
      }
    }
    if case .setTemplate(let template) = self {
      try Decider.checkText(template, "The template", maximum: Self.maximumTemplateSize)
    }
    decider.publish(
      .invitationOrdered(
        InvitationOrdered(
          id: command.id, workspace: command.workspace, order: self, actor: command.actor.rawValue, orderedAt: decider.now)))
    return .done
  }
}

/// Records a mail event in the audit trail. It changes no state: invitation-mailer consumes the event from `mail.events`.
extension MailEvent: WorkspaceBoundCommand {
  var operationWithoutPersonalData: Command.Operation? {
    var report = self
    report.email = nil
    // Mail servers repeat the address in the reason.
    report.reason = nil
    return .reportMail(report)
  }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    if let email { writeSet.insertPerson(with: email, in: command.workspace) }
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    .done
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? {
    invitation.map { "invitation \($0)" } ?? decider.auditTarget(ofUser: nil, email: email, in: command.workspace)
  }
}
