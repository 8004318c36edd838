import MailTemplates
import Models

/// One mail to be sent, and the invitations that it carries out, if any.
enum Mailing: Sendable {
  case invitation(DueInvitation)
  /// To an administrator, of several people; the id is the mail's.
  case digest([DueInvitation], id: InvitationID)
  /// To an administrator, of changes that wait for approval.
  case notice(DueNotice)

  var invitations: [DueInvitation] {
    switch self {
    case .invitation(let invitation): [invitation]
    case .digest(let invitations, id: _): invitations
    case .notice: []
    }
  }

  var notice: DueNotice? {
    if case .notice(let notice) = self { notice } else { nil }
  }
}
