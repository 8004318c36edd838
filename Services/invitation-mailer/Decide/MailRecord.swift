import Foundation
import Models

/// What is written down of a mail that was tried.
struct MailRecord: Sendable, Hashable {
  var state: InvitationState
  var reason: String
  /// The mail server's words.
  var answer: String?
  var nextAttemptAt: Date?
  /// Which mail is next, or was the last.
  var letter: Int
  var attempts: Int
  var firstTriedAt: Date?
  var isSent = false

  /// - Parameters:
  ///   - policy: Of the workspace: what follows a mail that went out.
  ///   - pause: By how much the mail is put off where the server is away.
  init(
    _ verdict: RetrySchedule.Verdict, letter: Int, attempts: Int, firstTriedAt: Date?, isDigest: Bool, policy: InvitationPolicy, now: Date,
    pause: Duration
  ) {
    // A reminder that did not go out leaves the invitation as sent.
    let waiting: InvitationState = letter == 0 ? .scheduled : .sent
    self.letter = letter
    self.attempts = attempts + 1
    self.firstTriedAt = firstTriedAt ?? now
    switch verdict {
    case .sent(let answer):
      state = .sent
      self.answer = answer
      isSent = true
      reason = isDigest ? "in the mail to the administrator: \(answer)" : letter == 0 ? answer : "reminder \(letter): \(answer)"
      follow(isDigest ? nil : policy.next(after: letter, now: now))
    case .bounced(let answer):
      state = .bounced
      self.answer = answer
      reason = answer
    case .failed(let answer), .unsendable(reason: let answer):
      state = letter == 0 ? .failed : .sent
      self.answer = answer
      reason = letter == 0 ? answer : "reminder \(letter) failed: \(answer)"
      if letter > 0 { follow(policy.next(after: letter, now: now)) }
    case .retry(let time, let answer):
      state = waiting
      self.answer = answer
      reason = "tried again: \(answer)"
      nextAttemptAt = time
    case .postponed(let answer):
      state = waiting
      self.answer = answer
      reason = "the mail server is away: \(answer)"
      nextAttemptAt = now.addingTimeInterval(pause / .seconds(1))
      self.attempts = attempts
      self.firstTriedAt = firstTriedAt
    }
  }

  private mutating func follow(_ next: (letter: Int, at: Date)?) {
    guard let next else { return }
    letter = next.letter
    nextAttemptAt = next.at
    attempts = 0
    firstTriedAt = nil
  }
}

/// What became of a mail, and of whose.
struct MailOutcome: Sendable, Hashable {
  var workspace: WorkspaceID
  var id: InvitationID
  var record: MailRecord
}

extension InvitationPolicy {
  /// The reminder that follows a mail, and when; nil for none.
  ///
  /// - Parameter letter: Of the mail that went out `now`; 0 is the invitation, the first reminder follows it by the first number of days,
  ///   the second follows the first by the difference, and so on.
  func next(after letter: Int, now: Date) -> (letter: Int, at: Date)? {
    guard letter >= 0, letter < reminderDays.count else { return nil }
    let before = letter == 0 ? 0 : reminderDays[letter - 1]
    return (letter + 1, now.addingTimeInterval(Double(max(0, reminderDays[letter] - before)) * InvitationPlan.day))
  }
}
