import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// What a page says of an invitation.
struct InvitationWords: Sendable, Equatable {
  /// Of the badge: good, warn, bad or info.
  var tone: String
  /// In a word or two.
  var label: String
  /// Why, or what comes next; nil where there is nothing to say.
  var explanation: String?
  /// When the next mail is due; ISO 8601.
  var nextMail: String?

  /// - Parameter actors: what those are called that reasons name.
  init(_ invitation: StoredInvitation, at now: Date, actors: ActorNames = ActorNames()) {
    let reason = actors.spelled(invitation.reason)
    let next = invitation.nextAttemptAt
    tone = Self.tone(of: invitation.state)
    label = Self.label(of: invitation.state)
    explanation = reason.isEmpty ? nil : reason.beginningUpperCase
    nextMail = nil
    switch invitation.state {
    case .scheduled:
      if invitation.isDigest { explanation = "Goes to the administrator in the next summary." }
      if let next, next > now {
        nextMail = Timestamp.text(next)
        // A mail that was refused for now is tried again; the answer says why.
        if invitation.attempts > 0 {
          (tone, label) = ("warn", "Trying again")
          explanation = invitation.answer.flatMap { $0.isEmpty ? nil : $0 } ?? explanation
        }
      } else if next != nil, !invitation.isDigest {
        (tone, label, explanation) = ("info", "On its way", nil)
      }
    case .sent, .delivered:
      // While a next mail is due, it is that one which the number is of.
      let reminders = next == nil ? invitation.letter : invitation.letter - 1
      if reminders > 0 { label += ", with reminder \(reminders)" }
      if let next, next > now { nextMail = Timestamp.text(next) }
      explanation = nil
    case .failed:
      explanation = explanation ?? invitation.answer
    case .sending, .bounced, .accepted, .revoked, .expired: break
    }
  }

  /// What an invitation's state is called.
  static func label(of state: InvitationState) -> String {
    switch state {
    case .scheduled: "To be sent"
    case .sending: "Being sent"
    case .sent: "Sent"
    case .delivered: "Delivered"
    case .bounced: "Came back"
    case .accepted: "Accepted"
    case .revoked: "Revoked"
    case .expired: "Expired"
    case .failed: "Could not be sent"
    }
  }

  static func tone(of state: InvitationState) -> String {
    switch state {
    case .scheduled, .sending: "info"
    case .sent, .delivered, .accepted: "good"
    case .bounced, .failed: "bad"
    case .revoked, .expired: "warn"
    }
  }
}

extension String {
  /// The same with its first letter in upper case.
  var beginningUpperCase: String { prefix(1).uppercased() + dropFirst() }
}
