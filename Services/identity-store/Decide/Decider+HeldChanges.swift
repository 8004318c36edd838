import Models
import SCIM

// Changes that look like a mistake at the identity provider's end wait for an admin; see ``ChangeGuard``.
extension Decider {
  /// Whether the deactivation of `user` waits for approval, from now on or already; otherwise it counts as made.
  mutating func waitsForApproval(
    _ kind: HeldChangeKind, of user: UserRecord, in workspace: WorkspaceRecord, for command: Command
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
        id: HeldChangeID(command.id.uuid), resource: user.key, kind: kind, name: user.userName, members: nil, leaving: [],
        requestedBy: command.actor.rawValue, heldAt: now, askedAt: now))
    return true
  }

  /// Has those members stay who would leave where the workspace's guard wants that approved, whatever the edits are; other departures count as made.
  ///
  /// - Parameter before: The members before `edits`, which are carried out already.
  mutating func holdDepartures(
    from group: GroupRecord, of before: GroupMembers, after edits: [CheckedEdit], in workspace: WorkspaceRecord, for command: Command
  ) {
    // A change of the group withdraws the deletion that waits for approval.
    if state.heldChanges[group.key]?.kind == .groupDeleted { supersedeHeldChange(of: group.key) }
    let isWhole = edits.contains(where: \.isReplacement)
    guard let rule = workspace.settings.changeGuard, rule.maximumShrink != nil else {
      if isWhole { return supersedeHeldChange(of: group.key) }
      if let standing = state.heldChanges[group.key], standing.status == .pending {
        keepHeld(standing, without: Set(edits.flatMap(\.users)))
      }
      return
    }
    let leaving = (state.members[group.key] ?? GroupMembers()).difference(from: before).removed
    let departures = state.departures(from: group.key, of: before)
    if isWhole {
      holdReplacement(of: group, leaving, departures, by: rule, for: command)
    } else {
      holdRemovals(from: group, leaving, named: Set(edits.flatMap(\.users)), departures, by: rule, for: command)
    }
  }

  /// The whole list of members was sent: what stands of the group is restated, or counts no more.
  private mutating func holdReplacement(
    of group: GroupRecord, _ leaving: [UserID], _ departures: Departures, by rule: ChangeGuard, for command: Command
  ) {
    let standing = state.heldChanges[group.key]
    let asked = Set(leaving)
    // The same list waits, or stays rejected, also once the window has passed.
    let isRepeated = standing.map { !asked.isEmpty && Set($0.leaving) == asked } ?? false
    guard isRepeated || !leaving.isEmpty && rule.holds(leaving: departures.count + leaving.count, of: departures.members) else {
      state.countDepartures(leaving.count, from: group.key, before: departures)
      return supersedeHeldChange(of: group.key)
    }
    state.withMembers(of: group.key) { _ = $0.add(leaving) }
    if var standing, standing.status == .pending || asked.isSubset(of: standing.leaving) {
      if standing.status == .pending { standing.leaving = leaving }
      standing.askedAt = now
      return state.write(standing)
    }
    hold(leaving, of: group, departures, for: command)
  }

  /// Single members were named: those who are held already stay held, and of the others all leave or none does.
  ///
  /// - Parameter named: whom the edits name, those who come included.
  private mutating func holdRemovals(
    from group: GroupRecord, _ leaving: [UserID], named: Set<UserID>, _ departures: Departures, by rule: ChangeGuard, for command: Command
  ) {
    let standing = state.heldChanges[group.key]
    let known = Set(standing?.leaving ?? [])
    let fresh = leaving.filter { !known.contains($0) }
    let isHeld = !fresh.isEmpty && rule.holds(leaving: departures.count + fresh.count, of: departures.members)
    if !isHeld { state.countDepartures(fresh.count, from: group.key, before: departures) }
    let staying = isHeld ? leaving : leaving.filter(known.contains)
    if !staying.isEmpty { state.withMembers(of: group.key) { _ = $0.add(staying) } }
    guard var standing else {
      if isHeld { hold(fresh, of: group, departures, for: command) }
      return
    }
    switch standing.status {
    case .pending:
      // Members who are named and do not leave are wanted.
      let wanted = named.subtracting(leaving)
      let waiting = standing.leaving.filter { !wanted.contains($0) } + (isHeld ? fresh : [])
      if waiting.isEmpty { return supersedeHeldChange(of: group.key) }
      guard waiting != standing.leaving || !staying.isEmpty else { return }
      standing.leaving = waiting
      if !staying.isEmpty { standing.askedAt = now }
      state.write(standing)
    case .rejected where isHeld: hold(leaving, of: group, departures, for: command)
    case .rejected where !staying.isEmpty:
      standing.askedAt = now
      state.write(standing)
    case .rejected, .approved, .superseded: break
    }
  }

  private mutating func hold(_ leaving: [UserID], of group: GroupRecord, _ departures: Departures, for command: Command) {
    hold(
      HeldChangeRecord(
        id: HeldChangeID(command.id.uuid), resource: group.key, kind: .membersRemoved, name: group.displayName,
        members: departures.members, leaving: leaving, requestedBy: command.actor.rawValue, heldAt: now, askedAt: now))
  }

  /// Whether the deletion of `group` waits for approval, from now on or already: all its members leave by it.
  mutating func deletionWaitsForApproval(of group: GroupRecord, in workspace: WorkspaceRecord, for command: Command) -> Bool {
    guard let rule = workspace.settings.changeGuard, rule.maximumShrink != nil else { return false }
    if var standing = state.heldChanges[group.key], standing.kind == .groupDeleted {
      // Rejected once, it stays rejected for as long as the identity provider says nothing else.
      standing.askedAt = now
      state.write(standing)
      return true
    }
    let departures = state.departures(from: group.key, of: state.members[group.key] ?? GroupMembers())
    guard departures.present > 0, rule.holds(leaving: departures.count + departures.present, of: departures.members) else { return false }
    hold(
      HeldChangeRecord(
        id: HeldChangeID(command.id.uuid), resource: group.key, kind: .groupDeleted, name: group.displayName,
        members: departures.present, leaving: [], requestedBy: command.actor.rawValue, heldAt: now, askedAt: now))
    return true
  }

  /// The identity provider has said something else since: what stands of its resource counts no more.
  mutating func supersedeHeldChange(of resource: ResourceKey) {
    guard var standing = state.heldChanges[resource] else { return }
    if standing.status == .pending { standing.status = .superseded }
    standing.isStanding = false
    state.write(standing)
  }

  private mutating func hold(_ change: HeldChangeRecord) {
    supersedeHeldChange(of: change.resource)
    state.write(change)
    let leaving =
      switch change.kind {
      case .membersRemoved: change.leaving.count
      case .groupDeleted: change.members ?? 0
      case .userDisabled, .userDeleted: 1
      }
    publish(
      .changeHeld(
        ChangeHeld(
          workspace: change.resource.workspace, change: change.id, kind: change.kind, resource: change.resource.id,
          name: change.name ?? "", leaving: leaving, members: change.members, heldAt: now)))
  }

  /// Members whom the identity provider has named since are as it says: they are not held any more.
  mutating func keepHeld(_ change: HeldChangeRecord, without named: Set<UserID>) {
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
