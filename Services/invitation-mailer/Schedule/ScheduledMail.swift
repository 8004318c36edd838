import MailTemplates
import Models

/// A claimed mail, ready to be sent.
enum ScheduledMail: Sendable {
  /// An invitation, or a reminder of one.
  case invitation(DueInvitation)
  /// A digest: a mail to an administrator with several invitations. `id` identifies the mail.
  case digest([DueInvitation], id: InvitationID)
  /// A mail to an administrator about changes that wait for approval, or about a single event.
  case notice(DueNotice)

  /// The invitations that the mail carries; empty for a notice.
  var invitations: [DueInvitation] {
    switch self {
    case .invitation(let invitation): [invitation]
    case .digest(let invitations, id: _): invitations
    case .notice: []
    }
  }

  /// The notice, if the mail is one.
  var notice: DueNotice? {
    if case .notice(let notice) = self { notice } else { nil }
  }
}
