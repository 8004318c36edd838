import Models
import SCIM

// Suspicious changes of the identity provider wait for the approval of an admin; see ``ChangeGuard``.
extension Decider {
  /// Returns whether the deactivation of a user is held for approval, by this command or an earlier one. Otherwise counts it.
  mutating func waitsForApproval(
    _ kind: HeldChangeKind, of user: UserRecord, in workspace: WorkspaceRecord, for command: Command
  ) -> Bool {
    guard user.state.isActiveInSCIM else { return false }
    guard let rule = workspace.settings.changeGuard, rule.maximumDeactivations != nil || rule.holdsLastAdmin else {
      supersedeHeldChange(of: user.key)
      return false
    }
    if var held = state.heldDeactivation(of: user.key) {
      // A rejected change stays rejected until the identity provider sends something else.
      if held.status == .pending, kind == .userDeleted { held.kind = kind }
      held.lastSentAt = now
      state.write(held)
      return true
    }
    let isHeld = isHeldAdmin(user, in: workspace) || rule.holdsDeactivation(after: state.recentDeactivations[workspace.id] ?? 0)
    guard isHeld else {
      if rule.maximumDeactivations != nil { state.countDeactivation(of: user.key) }
      supersedeHeldChange(of: user.key)
      return false
    }
    hold(
      HeldChangeRecord(
        id: HeldChangeID(command.id.uuid), resource: user.key, kind: kind, name: user.userName, members: nil, leaving: [],
        requestedBy: command.actor.rawValue, heldAt: now, lastSentAt: now))
    return true
  }

  /// Restores the members whose removal the change guard holds, and counts the other departures.
  ///
  /// - Parameter before: The members before `edits`, which are already applied.
  mutating func holdDepartures(
    from group: GroupRecord, of before: GroupMembers, after edits: [CheckedEdit], in workspace: WorkspaceRecord, for command: Command
  ) {
    // A change of the group supersedes a pending deletion.
    if state.heldChanges[group.key]?.kind == .groupDeleted { supersedeHeldChange(of: group.key) }
    let isReplacement = edits.contains(where: \.isReplacement)
    guard let rule = workspace.settings.changeGuard, rule.maximumShrink != nil else {
      if isReplacement { return supersedeHeldChange(of: group.key) }
      if let held = state.heldChanges[group.key], held.status == .pending {
        reduceHeldChange(held, without: Set(edits.flatMap(\.users)))
      }
      return
    }
    let leaving = (state.members[group.key] ?? GroupMembers()).difference(from: before).removed
    let departures = state.departures(from: group.key, of: before)
    if isReplacement {
      holdReplacement(of: group, leaving, departures, by: rule, for: command)
    } else {
      holdRemovals(from: group, leaving, named: Set(edits.flatMap(\.users)), departures, by: rule, for: command)
    }
  }

  /// Applies the change guard to a replacement of all members: repeats the held change of the group, or supersedes it.
  private mutating func holdReplacement(
    of group: GroupRecord, _ leaving: [UserID], _ departures: Departures, by rule: ChangeGuard, for command: Command
  ) {
    let held = state.heldChanges[group.key]
    let requested = Set(leaving)
    // The same list stays held or rejected, even after the window.
    let isRepeated = held.map { !requested.isEmpty && Set($0.leaving) == requested } ?? false
    guard isRepeated || !leaving.isEmpty && rule.holds(leaving: departures.count + leaving.count, of: departures.members) else {
      state.countDepartures(leaving.count, from: group.key, before: departures)
      return supersedeHeldChange(of: group.key)
    }
    state.withMembers(of: group.key) { _ = $0.add(leaving) }
    if var held, held.status == .pending || requested.isSubset(of: held.leaving) {
      if held.status == .pending { held.leaving = leaving }
      held.lastSentAt = now
      return state.write(held)
    }
    hold(leaving, of: group, departures, for: command)
  }

  /// Applies the change guard to the removal of single members: held ones stay held, and of the others either all leave or none.
  ///
  /// - Parameter named: The users of all edits, additions included.
  private mutating func holdRemovals(
    from group: GroupRecord, _ leaving: [UserID], named: Set<UserID>, _ departures: Departures, by rule: ChangeGuard, for command: Command
  ) {
    let held = state.heldChanges[group.key]
    let heldMembers = Set(held?.leaving ?? [])
    let newlyLeaving = leaving.filter { !heldMembers.contains($0) }
    let isHeld = !newlyLeaving.isEmpty && rule.holds(leaving: departures.count + newlyLeaving.count, of: departures.members)
    if !isHeld { state.countDepartures(newlyLeaving.count, from: group.key, before: departures) }
    let retained = isHeld ? leaving : leaving.filter(heldMembers.contains)
    if !retained.isEmpty { state.withMembers(of: group.key) { _ = $0.add(retained) } }
    guard var held else {
      if isHeld { hold(newlyLeaving, of: group, departures, for: command) }
      return
    }
    switch held.status {
    case .pending:
      // Named members who do not leave are added again.
      let readded = named.subtracting(leaving)
      let waiting = held.leaving.filter { !readded.contains($0) } + (isHeld ? newlyLeaving : [])
      if waiting.isEmpty { return supersedeHeldChange(of: group.key) }
      guard waiting != held.leaving || !retained.isEmpty else { return }
      held.leaving = waiting
      if !retained.isEmpty { held.lastSentAt = now }
      state.write(held)
    case .rejected where isHeld: hold(leaving, of: group, departures, for: command)
    case .rejected where !retained.isEmpty:
      held.lastSentAt = now
      state.write(held)
    case .rejected, .approved, .superseded: break
    }
  }

  private mutating func hold(_ leaving: [UserID], of group: GroupRecord, _ departures: Departures, for command: Command) {
    hold(
      HeldChangeRecord(
        id: HeldChangeID(command.id.uuid), resource: group.key, kind: .membersRemoved, name: group.displayName,
        members: departures.members, leaving: leaving, requestedBy: command.actor.rawValue, heldAt: now, lastSentAt: now))
  }

  /// Returns whether the deletion of a group, by which all members leave, is held for approval by this command or an earlier one.
  mutating func deletionWaitsForApproval(of group: GroupRecord, in workspace: WorkspaceRecord, for command: Command) -> Bool {
    guard let rule = workspace.settings.changeGuard, rule.maximumShrink != nil else { return false }
    if var held = state.heldChanges[group.key], held.kind == .groupDeleted {
      // A rejected change stays rejected until the identity provider sends something else.
      held.lastSentAt = now
      state.write(held)
      return true
    }
    let departures = state.departures(from: group.key, of: state.members[group.key] ?? GroupMembers())
    guard departures.present > 0, rule.holds(leaving: departures.count + departures.present, of: departures.members) else { return false }
    hold(
      HeldChangeRecord(
        id: HeldChangeID(command.id.uuid), resource: group.key, kind: .groupDeleted, name: group.displayName,
        members: departures.present, leaving: [], requestedBy: command.actor.rawValue, heldAt: now, lastSentAt: now))
    return true
  }

  /// Supersedes the held change of a resource, because the identity provider has sent something else.
  mutating func supersedeHeldChange(of resource: ResourceKey) {
    guard var held = state.heldChanges[resource] else { return }
    if held.status == .pending { held.status = .superseded }
    held.isCurrent = false
    state.write(held)
  }

  /// Records a held change, which supersedes an earlier one of the resource, and publishes a notice.
  mutating func hold(_ change: HeldChangeRecord) {
    supersedeHeldChange(of: change.resource)
    state.write(change)
    let leaving =
      switch change.kind {
      case .membersRemoved: change.leaving.count
      case .groupDeleted: change.members ?? 0
      case .userDisabled, .userDeleted, .otherDomain, .addressChanged, .accountMatched, .userEnabled, .roleChanged: 1
      }
    publish(
      .changeHeld(
        ChangeHeld(
          workspace: change.resource.workspace, change: change.id, kind: change.kind, resource: change.resource.id,
          name: change.name ?? "", leaving: leaving, members: change.members, heldAt: now)))
  }

  /// Removes members from a held change, because the identity provider has sent something else for them.
  mutating func reduceHeldChange(_ change: HeldChangeRecord, without named: Set<UserID>) {
    guard !named.isDisjoint(with: change.leaving) else { return }
    var change = change
    change.leaving.removeAll(where: named.contains)
    if change.leaving.isEmpty { return supersedeHeldChange(of: change.resource) }
    state.write(change)
  }
}
