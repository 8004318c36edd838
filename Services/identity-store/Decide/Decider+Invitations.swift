import Models
import SCIM

extension Decider {
  /// The largest template, in bytes of JSON: a subject, a text and HTML of 64 kB each, with room for escape sequences.
  private static let maximumTemplate = 256 << 10

  /// Passes an operator's order on to invitation-mailer, in order with what else happens to the person.
  mutating func orderInvitation(_ read: ReadCommand, _ order: InvitationOrder) throws(SCIMError) -> Reply.Outcome {
    if let id = order.user {
      guard let user = state.users[ResourceKey(workspace: read.command.workspace, id: id.resource)] else {
        throw SCIMError(status: 404, scimType: nil, detail: "The workspace has no user \(id); see 'scimctl user list'.")
      }
      if case .resend = order, user.state != .invited {
        throw SCIMError(
          status: 400, scimType: .invalidValue,
          detail: "\(user.userName) is \(user.state.rawValue): only someone who is invited gets an invitation.")
      }
    }
    if case .setTemplate(let template) = order { try Self.checkText(template, "The template", maximum: Self.maximumTemplate) }
    publish(
      .invitationOrdered(
        InvitationOrdered(
          id: read.command.id, workspace: read.command.workspace, order: order, actor: read.command.actor.rawValue, orderedAt: now)))
    return .done
  }
}
