import Crypto
import Foundation
import Models

/// An invitation that is created.
struct NewInvitation: Sendable, Hashable {
  var id: InvitationID
  var user: UserKey
  /// The version in which the user became invited.
  var version: Int64
  var disposition: Disposition
  var traceparent: String?
  /// When the invitation counts as created, if not now: a restored invitation is as old as the lost one.
  var since: Date?
  /// When identity-store made the change that invites the person; nil if it is not a push. Not stored.
  var pushedAt: Date?
  /// Whether an operator requested it, which its history shows.
  var isRequested = false

  /// What happens to the invitation.
  enum Disposition: Sendable, Hashable {
    case scheduled(InvitationPlan, reason: String)
    /// The workspace is not known yet. Its policy decides as soon as it is.
    case unplanned
    /// Not sent, because it cannot be.
    case failed(reason: String)
    /// Not sent, because the workspace sends no invitations.
    case revoked(reason: String)
    /// Not sent, because its lifetime is over.
    case expired(reason: String)
  }

  /// Whether its creation is a row of the history: not if it is only scheduled, because the mail will be.
  var isRecorded: Bool {
    switch disposition {
    case .scheduled: isRequested
    case .unplanned: false
    case .failed, .revoked, .expired: true
    }
  }

  /// The creation, as recorded in the history.
  func creation(at now: Date) -> StateChange {
    StateChange(
      workspace: user.workspace, invitation: id, user: user.id, state: disposition.state, reason: disposition.reason, changedAt: now,
      traceparent: traceparent)
  }

  /// The id of the invitation of a user who became invited in `version`: the same for every delivery of the event.
  static func id(of user: UserKey, version: Int64) -> InvitationID {
    .derived("invitation", user.workspace.description, user.id.description, String(version))
  }
}

extension Identifier {
  /// A deterministic id: the same parts always give the same id (UUID version 8, RFC 9562 §5.8).
  static func derived(_ parts: String...) -> Self {
    var hash = SHA256()
    for part in parts {
      // The length precedes each part, so different lists never hash the same bytes.
      hash.update(data: Array("\(part.utf8.count):".utf8))
      hash.update(data: Array(part.utf8))
    }
    var bytes = Array(hash.finalize().prefix(16))
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    return Self(bytes: bytes)
  }
}
