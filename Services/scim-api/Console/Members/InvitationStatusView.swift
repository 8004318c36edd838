import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// The status of an invitation for display.
struct InvitationStatusView: Sendable, Equatable {
  /// The colour of the badge: good, warn, bad or info.
  var tone: String
  /// The text of the badge.
  var label: String
  /// The reason, or what happens next.
  var explanation: String?
  /// When the next mail is due, in ISO 8601.
  var nextMail: String?

  /// - Parameter actors: the names of the actors in the reason.
  init(_ invitation: StoredInvitation, at now: Date, actors: ActorNames = ActorNames()) {
    let reason = actors.displayText(invitation.reason)
    let next = invitation.nextAttemptAt
    tone = Self.tone(of: invitation.state)
    label = Self.label(of: invitation.state)
    explanation = reason.isEmpty ? nil : reason.capitalisedFirst
    nextMail = nil
    switch invitation.state {
    case .scheduled:
      if invitation.isDigest { explanation = "Goes to the administrator in the next digest." }
      if let next, next > now {
        nextMail = Timestamp.text(next)
        // The mail server rejected the mail temporarily; its answer says why.
        if invitation.attempts > 0 {
          (tone, label) = ("warn", "Retrying")
          explanation = invitation.answer.flatMap { $0.isEmpty ? nil : $0 } ?? explanation
        }
      } else if next != nil, !invitation.isDigest {
        (tone, label, explanation) = ("info", "Sending", nil)
      }
    case .sent, .delivered:
      // If another mail is due, the number counts it.
      let reminders = next == nil ? invitation.messageNumber : invitation.messageNumber - 1
      if reminders > 0 { label += ", with reminder \(reminders)" }
      if let next, next > now { nextMail = Timestamp.text(next) }
      explanation = nil
    case .failed:
      explanation = explanation ?? invitation.answer
    case .sending, .bounced, .accepted, .revoked, .expired: break
    }
  }

  /// The name of a state.
  static func label(of state: InvitationState) -> String {
    switch state {
    case .scheduled: "Scheduled"
    case .sending: "Sending"
    case .sent: "Sent"
    case .delivered: "Delivered"
    case .bounced: "Bounced"
    case .accepted: "Accepted"
    case .revoked: "Revoked"
    case .expired: "Expired"
    case .failed: "Failed"
    }
  }

  /// The colour of a state's badge.
  static func tone(of state: InvitationState) -> String {
    switch state {
    case .scheduled, .sending: "info"
    case .sent, .delivered, .accepted: "good"
    case .bounced, .failed: "bad"
    case .revoked, .expired: "warn"
    }
  }
}
