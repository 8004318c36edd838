import Logging
import Models

/// Invitations of a batch that cannot be sent for the same reason, so that they are logged as one warning.
///
/// The reason is in the workspace's data. The operator cannot fix it; the workspace's admin sees it on the members page.
struct UnsendableInvitations: Sendable, Equatable {
  var workspace: WorkspaceID
  var reason: String
  var users: [UserID]

  /// Groups the new invitations that failed by workspace and reason.
  static func groups(of created: [NewInvitation]) -> [UnsendableInvitations] {
    var groups: [UnsendableInvitations] = []
    for invitation in created {
      guard case .failed(let reason) = invitation.disposition else { continue }
      if let index = groups.firstIndex(where: { $0.workspace == invitation.user.workspace && $0.reason == reason }) {
        groups[index].users.append(invitation.user.id)
      } else {
        groups.append(UnsendableInvitations(workspace: invitation.user.workspace, reason: reason, users: [invitation.user.id]))
      }
    }
    return groups
  }

  /// The maximum number of users in a log line.
  static let maximumNamed = 10

  /// The metadata of the log line.
  var metadata: Logger.Metadata {
    [
      "workspace": "\(workspace)", "count": "\(users.count)",
      "users": "\(users.prefix(Self.maximumNamed).map(\.description).joined(separator: ","))",
    ]
  }
}
