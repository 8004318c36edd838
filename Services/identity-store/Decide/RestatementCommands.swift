import Foundation
import Models
import SCIM

/// Republishes the current state of the named resources, and the deletion of those that no longer exist. It changes nothing.
extension Restatement: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    for user in users { writeSet.users.insert(ResourceKey(workspace: command.workspace, id: user.resource)) }
    for part in groups {
      let group = ResourceKey(workspace: command.workspace, id: part.group.resource)
      writeSet.groups.insert(group)
      writeSet.memberRanges.insert(MemberRangeKey(group: group, range: part.range))
    }
    if workspace { writeSet.webhookOwners.insert(command.workspace) }
  }

  /// The deployment has webhook endpoints, but is no workspace.
  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    if command.workspace == .deployment {
      decider.restateWebhooks(of: .deployment)
      return .done
    }
    guard let record = decider.state.workspaces[command.workspace] else { throw .workspaceNotFound(command.workspace) }
    return try decide(command, in: record, by: &decider)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    try decider.restate(self, in: workspace)
  }
}

/// Requests that the state of every workspace, or of one, is republished; ``RebuildRunner`` executes the request.
extension Rebuild: DecidableCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {}

  func decide(_ command: Command, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard command.workspace == workspace ?? .deployment else {
      throw .badRequest(.invalidValue, "The rebuild is about another workspace than its command. Send it with the id of the workspace.")
    }
    if let workspace, decider.state.workspaces[workspace] == nil { throw .workspaceNotFound(workspace) }
    decider.state.request(self, as: command.id)
    return .done
  }
}

extension Decider {
  /// - Throws: 400 if the restatement names too many resources for one command.
  fileprivate mutating func restate(_ restatement: Restatement, in workspace: WorkspaceRecord) throws(SCIMError) -> Reply.Outcome {
    let count = restatement.users.count + restatement.groups.count
    guard count <= Restatement.maximumResources else {
      throw .badRequest(.tooMany, "A restatement contains at most \(Restatement.maximumResources) users and group parts; found \(count).")
    }
    if restatement.workspace {
      publish(
        .workspaceChanged(
          WorkspaceChanged(workspace: workspace.id, settings: workspace.settings, version: workspace.version, changedAt: now)))
      restateWebhooks(of: workspace.id)
    }
    for user in restatement.users {
      restate(ResourceKey(workspace: workspace.id, id: user.resource), invitations: restatement.invitations)
    }
    for (position, part) in restatement.groups.enumerated() {
      restate(ResourceKey(workspace: workspace.id, id: part.group.resource), part.range, at: position)
    }
    return .done
  }

  private mutating func restate(_ user: ResourceKey, invitations: Restatement.Invitations) {
    if let record = state.users[user] {
      let invitation = UserChanged.RestatedInvitation(createdAt: record.createdAt, missing: invitations)
      return publishChange(of: record, .restated, invitation: record.state == .invited ? invitation : nil)
    }
    let tombstone = state.tombstones[user]
    publish(
      .userChanged(
        UserChanged(
          workspace: user.workspace, user: UserSnapshot(id: user.id.user, state: .disabled), change: .deleted,
          version: tombstone?.version ?? Restatement.lastVersion, changedAt: tombstone?.deletedAt ?? now)))
  }

  private mutating func restate(_ group: ResourceKey, _ range: MemberRange, at position: Int) {
    guard let record = state.groups[group] else {
      let tombstone = state.tombstones[group]
      publish(
        .groupChanged(
          GroupChanged(
            workspace: group.workspace, group: group.id.group, displayName: "", externalID: nil, change: .deleted,
            version: tombstone?.version ?? Restatement.lastVersion, part: 0, addedMembers: [], removedMembers: [],
            changedAt: tombstone?.deletedAt ?? now)))
      return
    }
    for (range, members) in range.parts(of: state.members[group]?.members(in: range) ?? []) {
      publish(
        .groupChanged(
          GroupChanged(
            workspace: group.workspace, group: record.id, displayName: record.displayName, externalID: record.externalID,
            change: .restated, version: record.version, part: position, addedMembers: members, removedMembers: [], range: range,
            changedAt: now)))
    }
  }
}

extension MemberRange {
  /// Splits the range into adjacent ranges whose members fit one event each.
  func parts(of members: [UserID]) -> [(range: MemberRange, members: [UserID])] {
    let size = GroupChanged.maximumMembersPerEvent
    guard members.count > size else { return [(self, members)] }
    return stride(from: 0, to: members.count, by: size).map { start in
      let end = min(start + size, members.count)
      let bounds = MemberRange(
        after: start == 0 ? after : members[start - 1], through: end == members.count ? through : members[end - 1])
      return (bounds, Array(members[start..<end]))
    }
  }
}
