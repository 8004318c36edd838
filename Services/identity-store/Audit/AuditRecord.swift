import Foundation
import Models

/// A row of identity.audit: who changed what, and from what to what.
struct AuditRecord: Sendable, Equatable {
  var workspace: WorkspaceID
  var command: CommandID
  var at: Date
  var actor: String
  var action: String
  var target: String
  /// JSON, without secrets.
  var summary: String
  /// Where it was refused.
  var status: Int?
  var detail: String?
}

extension Command {
  /// Whether the audit trail has it: whatever a person does. Not what an identity provider writes to users and groups, which the provisioning
  /// log has, nor what a service of the suite asks for by itself, but for the end of a session whose cookie was copied. So a new kind of
  /// command is in it from the start. Sign-ins that the product reports are not, each by itself: there is one for every person and day,
  /// they change nothing but that an invited person is active, and that is in the person's own history.
  var isAudited: Bool {
    if actor.rawValue.hasPrefix("service:") {
      if case .revokeToken = operation { return true }
      return false
    }
    guard actor.rawValue.hasPrefix("token:") || actor.rawValue.hasPrefix("client:") else { return true }
    switch operation {
    case .createUser, .replaceUser, .patchUser, .deleteUser, .promoteUser, .createGroup, .replaceGroup, .patchGroup, .deleteGroup, .bulk:
      return false
    default: return true
    }
  }
}

extension Command.Operation {
  /// What the audit trail calls it: `update-workspace`.
  var action: String {
    let words = type.split(separator: ".")
    return words.count > 2 ? String(words[words.count - 2]) : type
  }
}
