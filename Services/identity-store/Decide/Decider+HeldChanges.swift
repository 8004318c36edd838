import Models
import SCIM

// Changes that look like a mistake at the identity provider's end wait for an admin; see ``ChangeGuard``.
extension Decider {
  /// Whether the deactivation of `user` waits for approval, from now on or already; otherwise it counts as made.
  mutating func waitsForApproval(
    _ kind: HeldChangeKind, of user: UserRecord, in workspace: WorkspaceRecord, for read: ReadCommand
  ) -> Bool {
    guard user.state.isActiveInSCIM else { return false }
    guard let rule = workspace.settings.changeGuard, rule.maximumDeactivations != nil else {
      supersedeHeldChange(of: user.key)
      return false
    }
    if var standing = state.heldChanges[user.key] {
      // Rejected once, it stays rejected for as long as the identity provider says nothing else.
      if standing.status == .pending, kind == .userDeleted { standing.kind = kind }
      standing.askedAt = now
      state.write(standing)
      return true
    }
    guard rule.holdsDeactivation(after: state.recentDeactivations[workspace.id] ?? 0) else {
      state.countDeactivation(of: user.key)
      return false
    }
    hold(
      HeldChangeRecord(
        id: HeldChangeID(read.command.id.uuid), resource: user.key, kind: kind, name: user.userName, members: nil, leaving: [],
        requestedBy: read.command.actor.rawValue, heldAt: now, askedAt: now))
    return true
  }

  /// Has those members stay who would leave by a replacement that the workspace's guard wants approved.
  ///
  /// - Parameter before: The members before `edits`, which are carried out already.
  mutating func holdDepartures(
    from group: GroupRecord, of before: GroupMembers, after edits: [CheckedEdit], in workspace: WorkspaceRecord, for read: ReadCommand
  ) {
    let standing = state.heldChanges[group.key]
    guard edits.contains(where: \.isReplacement) else {
      if let standing, standing.status == .pending { keepHeld(standing, without: Set(edits.flatMap(\.users))) }
      return
    }
    let leaving = (state.members[group.key] ?? GroupMembers()).difference(from: before).removed
    guard let rule = workspace.settings.changeGuard, rule.holds(leaving: leaving.count, of: before.count) else {
      return supersedeHeldChange(of: group.key)
    }
    state.withMembers(of: group.key) { _ = $0.add(leaving) }
    if var standing, standing.status == .pending || Set(leaving).isSubset(of: standing.leaving) {
      if standing.status == .pending { standing.leaving = leaving }
      standing.askedAt = now
      return state.write(standing)
    }
    hold(
      HeldChangeRecord(
        id: HeldChangeID(read.command.id.uuid), resource: group.key, kind: .membersRemoved, name: group.displayName, members: before.count,
        leaving: leaving, requestedBy: read.command.actor.rawValue, heldAt: now, askedAt: now))
  }

  /// The identity provider has said something else since: what stands of its resource counts no more.
  mutating func supersedeHeldChange(of resource: ResourceKey) {
    guard var standing = state.heldChanges[resource] else { return }
    if standing.status == .pending { standing.status = .superseded }
    standing.isStanding = false
    state.write(standing)
  }

  /// An admin has decided about a change. One that was rejected can still be approved while the identity provider asks for it.
  mutating func decideHeldChange(_ read: ReadCommand, _ decision: HeldChangeDecision) throws(SCIMError) -> Reply.Outcome {
    guard var change = state.heldChanges[read.key], change.id == decision.change else {
      throw SCIMError(
        status: 409, scimType: nil,
        detail: """
          The change \(decision.change) does not wait any more: it was approved, or the identity provider has sent something else since. \
          See 'scimctl held list --all'.
          """)
    }
    change.decidedBy = read.command.actor.rawValue
    change.decidedAt = now
    switch decision.verdict {
    case .reject:
      change.status = .rejected
      state.write(change)
    case .approve:
      change.status = .approved
      change.isStanding = false
      try carryOut(change, in: read.key)
      state.write(change)
    }
    return .done
  }

  private mutating func carryOut(_ change: HeldChangeRecord, in key: ResourceKey) throws(SCIMError) {
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
      guard let user = state.users[key], let workspace = state.workspaces[key.workspace] else { return }
      let document = try UserDocument(openDocument: user.document, schemas: workspace.schemas)
      _ = write(document.settingActive(false), role: user.role, active: false, over: user)
    case .userDeleted:
      guard let user = state.users[key] else { return }
      delete(user)
    }
  }

  private mutating func hold(_ change: HeldChangeRecord) {
    supersedeHeldChange(of: change.resource)
    state.write(change)
    publish(
      .changeHeld(
        ChangeHeld(
          workspace: change.resource.workspace, change: change.id, kind: change.kind, resource: change.resource.id,
          name: change.name ?? "", leaving: change.kind == .membersRemoved ? change.leaving.count : 1, members: change.members,
          heldAt: now)))
  }

  /// Members whom the identity provider has named since are as it says: they are not held any more.
  private mutating func keepHeld(_ change: HeldChangeRecord, without named: Set<UserID>) {
    guard !named.isDisjoint(with: change.leaving) else { return }
    var change = change
    change.leaving.removeAll(where: named.contains)
    if change.leaving.isEmpty { return supersedeHeldChange(of: change.resource) }
    state.write(change)
  }
}

extension CheckedEdit {
  fileprivate var isReplacement: Bool {
    if case .replace = self { true } else { false }
  }

  fileprivate var users: [UserID] {
    switch self {
    case .add(let users), .remove(let users), .replace(let users): users
    }
  }
}
