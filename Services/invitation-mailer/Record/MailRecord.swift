import Foundation
import Models

/// The state of an invitation after an attempt to send its mail.
struct MailRecord: Sendable, Hashable {
  var state: InvitationState
  /// Why the invitation is in this state, for people to read.
  var reason: String
  /// The mail server's reply.
  var answer: String?
  /// When the mail, or the next reminder, is due; nil if none follows.
  var nextAttemptAt: Date?
  /// The mail that is next, or was the last: 0 for the invitation, from 1 on for reminders.
  var reminder: Int
  /// The number of attempts at the next mail so far.
  var attempts: Int
  var firstTriedAt: Date?
  var isSent = false

  /// - Parameters:
  ///   - policy: The workspace's policy, which decides about reminders.
  ///   - pause: How long the mail is postponed if the server is unavailable.
  init(
    _ result: DeliveryResult, reminder: Int, attempts: Int, firstTriedAt: Date?, isDigest: Bool, policy: InvitationPolicy, now: Date,
    pause: Duration
  ) {
    // The invitation remains sent if a reminder of it is not.
    let waiting: InvitationState = reminder == 0 ? .scheduled : .sent
    self.reminder = reminder
    self.attempts = attempts + 1
    self.firstTriedAt = firstTriedAt ?? now
    switch result {
    case .sent(let answer):
      state = .sent
      self.answer = answer
      isSent = true
      reason = isDigest ? "in the mail to the administrator: \(answer)" : reminder == 0 ? answer : "reminder \(reminder): \(answer)"
      schedule(isDigest ? nil : policy.reminder(after: reminder, now: now))
    case .bounced(let answer):
      state = .bounced
      self.answer = answer
      reason = answer
    case .failed(let answer), .unsendable(reason: let answer):
      state = reminder == 0 ? .failed : .sent
      self.answer = answer
      reason = reminder == 0 ? answer : "reminder \(reminder) failed: \(answer)"
      if reminder > 0 { schedule(policy.reminder(after: reminder, now: now)) }
    case .retry(let time, let answer):
      state = waiting
      self.answer = answer
      reason = "tried again: \(answer)"
      nextAttemptAt = time
    case .postponed(let answer):
      state = waiting
      self.answer = answer
      reason = "the mail server is unavailable: \(answer)"
      nextAttemptAt = now.addingTimeInterval(pause / .seconds(1))
      self.attempts = attempts
      self.firstTriedAt = firstTriedAt
    }
  }

  private mutating func schedule(_ next: (reminder: Int, at: Date)?) {
    guard let next else { return }
    reminder = next.reminder
    nextAttemptAt = next.at
    attempts = 0
    firstTriedAt = nil
  }
}

/// The record of an invitation's mail.
struct MailOutcome: Sendable, Hashable {
  var workspace: WorkspaceID
  var id: InvitationID
  var user: UserID
  var traceparent: String?
  var record: MailRecord

  init(_ invitation: DueInvitation, _ record: MailRecord) {
    workspace = invitation.workspace
    id = invitation.id
    user = invitation.user
    traceparent = invitation.traceparent
    self.record = record
  }

  /// The change of state, unless the invitation was withdrawn while its mail was being sent.
  func change(at now: Date) -> StateChange {
    StateChange(
      workspace: workspace, invitation: id, user: user, state: record.state, reason: record.reason, changedAt: now,
      traceparent: traceparent)
  }
}

extension InvitationPolicy {
  /// The next reminder and when it is due; nil if there is none.
  ///
  /// ``reminderDays`` counts from the invitation, so a reminder follows the previous mail by the difference of the two entries.
  ///
  /// - Parameter number: The mail that was sent `now`: 0 for the invitation, from 1 on for reminders.
  func reminder(after number: Int, now: Date) -> (reminder: Int, at: Date)? {
    guard number >= 0, number < reminderDays.count else { return nil }
    let previous = number == 0 ? 0 : reminderDays[number - 1]
    return (number + 1, now.addingTimeInterval(Double(max(0, reminderDays[number] - previous)) * InvitationPlan.day))
  }
}
