import Models

extension Decider {
  /// A group's new state, with what changed of its members.
  mutating func take(_ event: GroupChanged, _ cause: Cause) {
    let previous = directory.groups[event.key]
    switch event.change {
    case .created, .updated: change(event, from: previous, cause)
    case .deleted: delete(event, previous: previous, cause)
    case .restated: restate(event, over: previous, cause)
    }
  }

  private mutating func change(_ event: GroupChanged, from previous: Group?, _ cause: Cause) {
    guard previous?.presence != .deleted, isNews(event, after: previous) else { return }
    let group = Group(
      key: event.key, position: event.position, coverage: coverage(event, after: previous), presence: .present(name(event, after: previous))
    )
    directory.write(group)
    tellName(of: group, was: previous?.presence.content, cause)
    for user in event.removedMembers { remove(user, from: group, cause) }
    for user in event.addedMembers { add(user, to: group, cause) }
  }

  private mutating func delete(_ event: GroupChanged, previous: Group?, _ cause: Cause) {
    // One as new as what is held says that the group should not be here.
    guard previous?.presence != .deleted, event.version >= previous?.position.version ?? 0 else { return }
    // The members leave a group that still has its name.
    var group = Group(
      key: event.key, position: event.position, coverage: .whole, presence: .present(previous?.presence.content ?? event.displayName))
    replaceMembers(of: group, in: MemberRange(), with: [], cause)
    group.presence = .deleted
    directory.write(group)
    tell(.groupDeleted, group: group, because: cause)
  }

  /// Makes the group's name, and its members in the range, what the event says: it is no news, and mends what is here.
  ///
  /// A deletion that is held counts no more where the group is restated as new as that: ids are given once, so it never was one.
  private mutating func restate(_ event: GroupChanged, over previous: Group?, _ cause: Cause) {
    guard event.version >= previous?.position.version ?? 0 else { return }
    let isHeld = event.version == previous?.position.version
    let range = event.range ?? MemberRange()
    let group = Group(
      key: event.key, position: isHeld ? previous?.position ?? .restated(event.version) : .restated(event.version),
      coverage: coverage(range, after: isHeld ? previous?.coverage ?? .partial : .partial),
      presence: .present(name(event, after: previous)))
    if group != previous { directory.write(group) }
    tellName(of: group, was: previous?.presence.content, cause)
    replaceMembers(of: group, in: range, with: event.addedMembers, cause)
  }

  private mutating func tellName(of group: Group, was previous: String?, _ cause: Cause) {
    guard let previous else { return tell(.groupCreated, group: group, because: cause) }
    if previous != group.presence.content { tell(.groupRenamed, group: group, because: cause) }
  }

  /// The group's name. One that was shortened because of its size does not replace what is known.
  private func name(_ event: GroupChanged, after previous: Group?) -> String {
    guard event.omits("displayName") else { return event.displayName }
    return previous?.presence.content ?? event.displayName
  }

  /// Whether the directory does not have it yet.
  private func isNews(_ event: GroupChanged, after previous: Group?) -> Bool {
    previous.map { event.position > $0.position } ?? true
  }

  private func coverage(_ event: GroupChanged, after previous: Group?) -> Group.Coverage {
    guard let previous else { return event.change == .created && event.part == 0 ? .whole : .partial }
    return event.position.follows(previous.position) ? previous.coverage : .partial
  }

  /// What a restated range adds to what was covered before it.
  private func coverage(_ range: MemberRange, after previous: Group.Coverage) -> Group.Coverage {
    guard previous != .whole else { return .whole }
    let continues = range.after == nil || range.after.map(Group.Coverage.through) == previous
    guard continues else { return previous }
    return range.through.map(Group.Coverage.through) ?? .whole
  }

  private mutating func replaceMembers(of group: Group, in range: MemberRange, with users: [UserID], _ cause: Cause) {
    for user in directory.memberships.members(of: group.key, in: range, except: Set(users)) { remove(user, from: group, cause) }
    for user in users { add(user, to: group, cause) }
  }

  private mutating func add(_ user: UserID, to group: Group, _ cause: Cause) {
    let membership = Membership(group.key, user)
    let member = directory.members[membership.member]
    // Who was deleted since is in no group any more.
    guard member?.presence != .deleted, directory.memberships.insert(membership) else { return }
    if let member, member.isVisible { tell(.membershipAdded, member: member, group: group, because: cause) }
  }

  private mutating func remove(_ user: UserID, from group: Group, _ cause: Cause) {
    let membership = Membership(group.key, user)
    guard directory.memberships.remove(membership) else { return }
    if let member = directory.members[membership.member], member.isVisible {
      tell(.membershipRemoved, member: member, group: group, because: cause)
    }
  }
}

extension GroupChanged {
  var position: Group.Position { Group.Position(version: version, part: part) }
}
