import InvitationMail
import Models

/// One mail to be sent, and the invitations that it carries out.
enum Mailing: Sendable {
  case invitation(DueInvitation)
  /// To an administrator, of several people; the id is the mail's.
  case digest([DueInvitation], id: InvitationID)

  var invitations: [DueInvitation] {
    switch self {
    case .invitation(let invitation): [invitation]
    case .digest(let invitations, id: _): invitations
    }
  }
}
