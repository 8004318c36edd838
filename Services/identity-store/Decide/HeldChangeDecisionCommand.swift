import Models
import SCIM

/// Applies an admin's decision about a held change. A rejected change can still be approved while the identity provider keeps sending it.
extension HeldChangeDecision: WorkspaceBoundCommand {
  func addKeys(of command: Command, to writeSet: inout WriteSet) {
    writeSet.users.insert(command.key)
    writeSet.groups.insert(command.key)
    writeSet.replacedGroups.insert(command.key)
    guard verdict == .approve else { return }
    writeSet.rewritten.insert(command.key)
    writeSet.seating.insert(command.workspace)
    writeSet.disabling.insert(command.workspace)
  }

  func decide(_ command: Command, in workspace: WorkspaceRecord, by decider: inout Decider) throws(SCIMError) -> Reply.Outcome {
    guard var change = decider.state.heldChanges[command.key], change.id == self.change else {
      throw SCIMError(
        status: 409, scimType: nil,
        detail: """
          The change \(self.change) is no longer waiting: it was approved, or the identity provider has sent something else since. \
          See 'scimctl held list --all'.
          """)
    }
    change.decidedBy = command.actor.rawValue
    change.decidedAt = decider.now
    switch verdict {
    case .reject:
      change.status = .rejected
      decider.state.write(change)
    case .approve:
      change.status = .approved
      change.isCurrent = false
      try decider.apply(change, to: command.key, in: workspace, for: command)
      decider.state.write(change)
    }
    return .done
  }
}

extension Decider {
  /// Applies a held change.
  fileprivate mutating func apply(
    _ change: HeldChangeRecord, to key: ResourceKey, in workspace: WorkspaceRecord, for command: Command
  ) throws(SCIMError) {
    switch change.kind {
    case .membersRemoved:
      guard var group = state.groups[key] else { return }
      let removed = state.withMembers(of: key) { $0.remove(change.leaving) }
      guard !removed.isEmpty else { return }
      group.version += 1
      group.modifiedAt = now
      state.update(group)
      publishChange(of: group, .updated, added: [], removed: removed)
    case .userDisabled:
      guard let user = state.users[key] else { return }
      let document = try UserDocument(openDocument: user.document, schemas: workspace.schemas)
      _ = write(document.settingActive(false), role: user.role, active: false, over: user)
    case .userDeleted:
      guard let user = state.users[key] else { return }
      delete(user)
    case .otherDomain, .accountMatched, .userEnabled:
      guard let user = state.users[key] else { return }
      let document = try UserDocument(openDocument: user.document, schemas: workspace.schemas)
      let account = change.kind == .accountMatched ? account(matching: document, in: workspace) : nil
      try enable(user, approved: change.kind, linking: account, in: workspace, for: command)
    case .addressChanged:
      guard let user = state.users[key] else { return }
      try applyAddresses(change, to: user, in: workspace)
    case .roleChanged:
      guard let user = state.users[key] else { return }
      try applyRole(change, to: user, in: workspace)
    case .groupDeleted:
      guard let group = state.groups[key] else { return }
      delete(group)
    }
  }
}
