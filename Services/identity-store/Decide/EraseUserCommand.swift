import Models
import SCIM

/// Requests that what remains of a deleted user is erased; ``ErasureRunner`` does it.
struct EraseUser: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) { writeSet.users.insert(command.key) }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    if let user = decider.state.users[command.key] { throw .userNotDeleted(user.id) }
    guard let tombstone = decider.state.tombstones[command.key], tombstone.type == .user else {
      throw .userNotFound(command.resource, tombstone: nil, successor: nil)
    }
    decider.state.requestErasure(of: command.key, by: command.actor)
    return .done
  }

  func auditTarget(of command: Command, in decider: Decider) -> String? { "user \(command.resource)" }
}

extension SCIMError {
  fileprivate static func userNotDeleted(_ id: UserID) -> SCIMError {
    SCIMError(
      status: 409, scimType: nil,
      detail: """
        The user \(id) exists. Only what remains of a deleted user can be erased: unassign the person in the identity provider, or delete the \
        user there, and request the erasure again.
        """)
  }
}
