import Models

extension Decider {
  /// A group's new state, with what changed of its members.
  mutating func take(_ event: GroupChanged, _ cause: Cause) {
    let previous = directory.groups[event.key]
    guard isNews(event, after: previous) else { return }
    var group = Group(
      key: event.key, position: event.position, isComplete: isComplete(event, after: previous), presence: .present(event.displayName))
    if event.change == .deleted {
      // The members leave a group that still has its name.
      replaceMembers(of: group, with: [], cause)
      group.presence = .deleted
      directory.write(group)
      tell(.groupDeleted, group: group, because: cause)
      return
    }
    directory.write(group)
    if let previous {
      if previous.presence != group.presence { tell(.groupRenamed, group: group, because: cause) }
    } else {
      tell(.groupCreated, group: group, because: cause)
    }
    if event.isStartOfRestatement {
      replaceMembers(of: group, with: event.addedMembers, cause)
    } else {
      for user in event.removedMembers { remove(user, from: group, cause) }
      for user in event.addedMembers { add(user, to: group, cause) }
    }
  }

  /// Whether the directory does not have it yet. A group of which something was missed also takes the restatement of the state that it
  /// seems to have.
  private func isNews(_ event: GroupChanged, after previous: Group?) -> Bool {
    guard let previous else { return true }
    guard previous.presence != .deleted else { return false }
    if event.isStartOfRestatement, !previous.isComplete { return event.version >= previous.position.version }
    return event.position > previous.position
  }

  private func isComplete(_ event: GroupChanged, after previous: Group?) -> Bool {
    if event.isStartOfRestatement || event.change == .deleted { return true }
    guard let previous else { return event.change == .created && event.part == 0 }
    return previous.isComplete && event.position.follows(previous.position)
  }

  private mutating func replaceMembers(of group: Group, with users: [UserID], _ cause: Cause) {
    let staying = Set(users)
    for user in directory.memberships.members(of: group.key) where !staying.contains(user) { remove(user, from: group, cause) }
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
