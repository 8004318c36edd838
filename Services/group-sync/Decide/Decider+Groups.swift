import Models

extension Decider {
  /// Applies a group event: the new state of the group, and the changes of its members.
  mutating func apply(_ event: GroupChanged, _ cause: Cause) {
    let previous = directory.groups[event.key]
    switch event.change {
    case .created, .updated: change(event, from: previous, cause)
    case .deleted: delete(event, previous: previous, cause)
    case .restated: restate(event, over: previous, cause)
    }
  }

  private mutating func change(_ event: GroupChanged, from previous: Group?, _ cause: Cause) {
    guard previous?.presence != .deleted, isNewer(event, after: previous) else { return }
    let group = Group(
      key: event.key, position: event.position, coverage: coverage(event, after: previous), presence: .present(name(event, after: previous))
    )
    directory.write(group)
    publishName(of: group, was: previous?.presence.content, cause)
    for user in event.removedMembers { remove(user, from: group, cause) }
    for user in event.addedMembers { add(user, to: group, cause) }
  }

  private mutating func delete(_ event: GroupChanged, previous: Group?, _ cause: Cause) {
    // A deletion with the stored version takes precedence over the stored state.
    guard previous?.presence != .deleted, event.version >= previous?.position.version ?? 0 else { return }
    // The memberships are removed while the group still has its name.
    var group = Group(
      key: event.key, position: event.position, coverage: .complete, presence: .present(previous?.presence.content ?? event.displayName))
    replaceMembers(of: group, in: MemberRange(), with: [], cause)
    group.presence = .deleted
    directory.write(group)
    publish(.groupDeleted, group: group.reference, because: cause)
  }

  /// Repairs the directory: sets the name of the group, and its members in the range of the event.
  ///
  /// A stored deletion of the same version is undone. Ids are never reused, so the group was not really deleted.
  private mutating func restate(_ event: GroupChanged, over previous: Group?, _ cause: Cause) {
    guard event.version >= previous?.position.version ?? 0 else { return }
    let isCurrent = event.version == previous?.position.version
    let range = event.range ?? MemberRange()
    let group = Group(
      key: event.key, position: isCurrent ? previous?.position ?? .restated(event.version) : .restated(event.version),
      coverage: coverage(range, after: isCurrent ? previous?.coverage ?? .partial : .partial),
      presence: .present(name(event, after: previous)))
    if group != previous { directory.write(group) }
    publishName(of: group, was: previous?.presence.content, cause)
    replaceMembers(of: group, in: range, with: event.addedMembers, cause)
  }

  private mutating func publishName(of group: Group, was previous: String?, _ cause: Cause) {
    guard let previous else { return publish(.groupCreated, group: group.inEvent, because: cause) }
    let name = group.presence.content
    guard name != previous else { return }
    publish(
      .groupUpdated, group: group.inEvent,
      changes: ["displayName": DirectoryEvent.AttributeChange(from: .string(previous), to: JSONValue(name))], because: cause)
  }

  /// The name of the group: the stored one if the event omits it because of its size.
  private func name(_ event: GroupChanged, after previous: Group?) -> String {
    guard event.omits("displayName") else { return event.displayName }
    return previous?.presence.content ?? event.displayName
  }

  /// Whether the event is newer than the stored state.
  private func isNewer(_ event: GroupChanged, after previous: Group?) -> Bool {
    previous.map { event.position > $0.position } ?? true
  }

  private func coverage(_ event: GroupChanged, after previous: Group?) -> Group.Coverage {
    guard let previous else { return event.change == .created && event.part == 0 ? .complete : .partial }
    return event.position.follows(previous.position) ? previous.coverage : .partial
  }

  /// The coverage after a range was restated.
  private func coverage(_ range: MemberRange, after previous: Group.Coverage) -> Group.Coverage {
    guard previous != .complete else { return .complete }
    let continues = range.after == nil || range.after.map(Group.Coverage.through) == previous
    guard continues else { return previous }
    return range.through.map(Group.Coverage.through) ?? .complete
  }

  private mutating func replaceMembers(of group: Group, in range: MemberRange, with users: [UserID], _ cause: Cause) {
    for user in directory.memberships.members(of: group.key, in: range, except: Set(users)) { remove(user, from: group, cause) }
    for user in users { add(user, to: group, cause) }
  }

  private mutating func add(_ user: UserID, to group: Group, _ cause: Cause) {
    let membership = Membership(group.key, user)
    let member = directory.members[membership.member]
    // A deleted user is no longer a member of any group.
    guard member?.presence != .deleted, directory.memberships.insert(membership) else { return }
    if let member, member.isVisible { publish(.groupMemberAdded, member: member.reference, group: group.reference, because: cause) }
  }

  private mutating func remove(_ user: UserID, from group: Group, _ cause: Cause) {
    let membership = Membership(group.key, user)
    guard directory.memberships.remove(membership) else { return }
    if let member = directory.members[membership.member], member.isVisible {
      publish(.groupMemberRemoved, member: member.reference, group: group.reference, because: cause)
    }
  }
}

extension Group {
  /// The group as in its own events.
  fileprivate var inEvent: DirectoryEvent.Group {
    DirectoryEvent.Group(id: key.id, displayName: presence.content, version: position.version)
  }

  /// The group as in events of memberships, and if it is deleted.
  var reference: DirectoryEvent.Group { DirectoryEvent.Group(id: key.id, version: position.version) }
}

extension GroupChanged {
  var position: Group.Position { Group.Position(version: version, part: part) }
}
