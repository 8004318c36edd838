import EdgeHTTP
import Foundation
import Models
import Postgres

/// An invitation as stored by invitation-mailer.
package struct StoredInvitation: Sendable, Equatable {
  /// The id.
  package var id: InvitationID
  /// The state.
  package var state: InvitationState
  /// The reason for the state; may be empty.
  package var reason: String
  /// When it was created.
  package var createdAt: Date
  /// When the state last changed.
  package var changedAt: Date
  /// When the last mail was sent.
  package var sentAt: Date?
  /// When the next mail or attempt is due.
  package var nextAttemptAt: Date?
  /// When it expires.
  package var expiresAt: Date?
  /// 0 for the invitation, 1 for its first reminder, and so on.
  package var messageNumber: Int
  /// The number of failed attempts to send the current mail.
  package var attempts: Int
  /// The last answer of the mail server.
  package var answer: String?
  /// Whether it goes to an administrator, together with others.
  package var isDigest: Bool

  /// - Parameter column: the index of the first of ``columns``.
  init?(_ row: Row, from column: Int) throws {
    guard let id = try row.optionalUUID(column) else { return nil }
    self.id = InvitationID(id)
    // Unknown states of later versions are shown as being sent.
    state = InvitationState(rawValue: try row.string(column + 1)) ?? .sending
    reason = try row.string(column + 2)
    createdAt = try row.timestamp(column + 3)
    changedAt = try row.timestamp(column + 4)
    sentAt = try row.optionalTimestamp(column + 5)
    nextAttemptAt = try row.optionalTimestamp(column + 6)
    expiresAt = try row.optionalTimestamp(column + 7)
    messageNumber = try row.int(column + 8)
    attempts = try row.int(column + 9)
    answer = try row.optionalString(column + 10)
    isDigest = try row.bool(column + 11)
  }

  init(
    id: InvitationID, state: InvitationState, reason: String = "", createdAt: Date, changedAt: Date, sentAt: Date? = nil,
    nextAttemptAt: Date? = nil, expiresAt: Date? = nil, messageNumber: Int = 0, attempts: Int = 0, answer: String? = nil,
    isDigest: Bool = false
  ) {
    self.id = id
    self.state = state
    self.reason = reason
    self.createdAt = createdAt
    self.changedAt = changedAt
    self.sentAt = sentAt
    self.nextAttemptAt = nextAttemptAt
    self.expiresAt = expiresAt
    self.messageNumber = messageNumber
    self.attempts = attempts
    self.answer = answer
    self.isDigest = isDigest
  }

  static let columns = """
    i.id, i.state, i.reason, i.created_at, i.changed_at, i.sent_at, i.next_attempt_at, i.expires_at, i.letter, i.attempts, i.answer,
    i.is_digest
    """
}
