import Logging
import Models

/// Invitations of a batch that cannot be sent for the same reason, which lies in a workspace's data: one warning, however many they are.
///
/// It is nothing that the operator can mend: the invitation's history and the members page tell the workspace's admin.
struct UnsendableInvitations: Sendable, Equatable {
  var workspace: WorkspaceID
  var reason: String
  var users: [UserID]

  /// Those of `made` that failed when they were made, by workspace and reason.
  static func groups(of made: [NewInvitation]) -> [UnsendableInvitations] {
    var groups: [UnsendableInvitations] = []
    for invitation in made {
      guard case .failed(let reason) = invitation.fate else { continue }
      if let index = groups.firstIndex(where: { $0.workspace == invitation.user.workspace && $0.reason == reason }) {
        groups[index].users.append(invitation.user.id)
      } else {
        groups.append(UnsendableInvitations(workspace: invitation.user.workspace, reason: reason, users: [invitation.user.id]))
      }
    }
    return groups
  }

  /// The most users that one line names.
  static let maximumNamed = 10

  var metadata: Logger.Metadata {
    [
      "workspace": "\(workspace)", "count": "\(users.count)",
      "users": "\(users.prefix(Self.maximumNamed).map(\.description).joined(separator: ","))",
    ]
  }
}
