import Foundation
import Models
import SCIM

/// Suspends a workspace, and schedules its deletion; ``WorkspaceDeletionRunner`` deletes it.
extension WorkspaceDeletion: WorkspaceBoundCommand {
  var worksDuringDeletion: Bool { true }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.lockedWorkspaces.insert(command.workspace)
    writeSet.exclusive.insert(command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    if let deletion = workspace.settings.deletion, deletion.finishedAt != nil { throw .workspaceInDeletion(deletion) }
    guard slug == workspace.settings.slug else {
      throw .badRequest(
        .invalidValue,
        "The slug '\(slug.truncated(to: 80))' is not that of the workspace, which is '\(workspace.settings.slug)'. Nothing was deleted.")
    }
    let former = workspace.settings.deletion
    // A repeated order may bring the time forward, and keeps who ordered it first.
    let deletion = ScheduledDeletion(
      requestedAt: former?.requestedAt ?? decider.now, requestedBy: former?.requestedBy ?? command.actor.rawValue,
      dueAt: max(dueAt, decider.now))
    decider.set(deletion, of: workspace)
    return .done
  }
}

/// Ends the suspension of a workspace that is not deleted yet.
struct RestoreWorkspace: WorkspaceBoundCommand {
  var worksDuringDeletion: Bool { true }

  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.lockedWorkspaces.insert(command.workspace)
    writeSet.exclusive.insert(command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard let deletion = workspace.settings.deletion else { return .done }
    guard deletion.finishedAt == nil, deletion.dueAt > decider.now else {
      throw SCIMError(
        status: 409, scimType: nil,
        detail: "The deletion of the workspace has begun at \(Timestamp.text(deletion.dueAt)). It cannot be restored.")
    }
    decider.set(nil, of: workspace)
    return .done
  }
}

extension Decider {
  fileprivate mutating func set(_ deletion: ScheduledDeletion?, of workspace: WorkspaceRecord) {
    guard deletion != workspace.settings.deletion else { return }
    var workspace = workspace
    workspace.settings.deletion = deletion
    workspace.version += 1
    workspace.modifiedAt = now
    write(workspace)
  }
}

extension SCIMError {
  /// The workspace is suspended until its deletion, or deleted.
  static func workspaceInDeletion(_ deletion: ScheduledDeletion) -> SCIMError {
    guard deletion.finishedAt == nil else {
      return SCIMError(status: 404, scimType: nil, detail: "The workspace was deleted.")
    }
    return SCIMError(
      status: 403, scimType: nil,
      detail: """
        This workspace is suspended, and will be deleted at \(Timestamp.text(deletion.dueAt)). Until then, the operator of the product can restore it.
        """)
  }
}
