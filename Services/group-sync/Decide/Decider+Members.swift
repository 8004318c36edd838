import Models

extension Decider {
  /// A person's new state.
  mutating func take(_ event: UserChanged, _ cause: Cause) {
    let previous = directory.members[event.member]
    guard isToBeTaken(event, over: previous) else { return }
    if event.change == .deleted {
      delete(event.member, previous: previous, version: event.version, cause)
    } else {
      let member = Member(
        key: event.member, version: event.version,
        presence: .present(
          Member.Profile(event, keeping: previous?.presence.content)))
      guard member != previous else { return }
      directory.write(member)
      tellDifference(of: member, from: previous, after: event.change, cause)
    }
  }

  /// A restatement mends also what is as new; and a deletion that is held counts no more then: ids are given once, so it never was one.
  /// Likewise a deletion that is as new as somebody who is here says that they should not be.
  private func isToBeTaken(_ event: UserChanged, over previous: Member?) -> Bool {
    let held = previous?.version ?? 0
    return switch event.change {
    case .restated: event.version >= held
    case .deleted: previous?.presence != .deleted && event.version >= held
    default: previous?.presence != .deleted && event.version > held
    }
  }

  private mutating func tellDifference(of member: Member, from previous: Member?, after change: UserChanged.Change, _ cause: Cause) {
    switch (previous?.isVisible ?? false, member.isVisible) {
    case (false, true):
      tell(.memberActivated, member: member, because: cause)
      tellMemberships(of: member, .membershipAdded, cause)
    case (true, false):
      disable(member, previous: previous, change, cause)
    case (true, true):
      if member.presence.content?.role != previous?.presence.content?.role { tell(.roleChanged, member: member, because: cause) }
    case (false, false):
      // Someone who is still invited here may have signed in a moment ago, so the sessions of whoever is disabled now are to end. Only
      // who is created disabled has none.
      let state = previous?.presence.content?.state
      if member.presence.content?.state == .disabled, state != .disabled, state != nil || change != .created {
        disable(member, previous: previous, change, cause)
      }
    }
  }

  private mutating func disable(_ member: Member, previous: Member?, _ change: UserChanged.Change, _ cause: Cause) {
    let before = told.count
    tell(.accessRevoked, member: member, reason: .disabled, because: cause)
    tell(.memberDisabled, member: member, because: cause)
    if previous?.isVisible == true { tellMemberships(of: member, .membershipRemoved, cause) }
    // Who was not known, and is restated, loses nothing now.
    guard previous != nil || change != .restated else { return }
    record(.disabled, of: member, previous: previous, told: told[before...], cause)
  }

  /// Leaves the bare version, without personal data.
  private mutating func delete(_ key: MemberKey, previous: Member?, version: Int64, _ cause: Cause) {
    let member = Member(key: key, version: version, presence: .deleted)
    directory.write(member)
    let before = told.count
    // The access of somebody disabled is revoked already.
    if previous?.presence.content?.state != .disabled { tell(.accessRevoked, member: member, reason: .deleted, because: cause) }
    tell(.memberDeleted, member: member, because: cause)
    if previous?.isVisible == true { tellMemberships(of: member, .membershipRemoved, cause) }
    if let previous { record(.deleted, of: member, previous: previous, told: told[before...], cause) }
    for group in directory.memberships.groups(of: key) { _ = directory.memberships.remove(Membership(group, key.id)) }
  }

  private mutating func tellMemberships(of member: Member, _ change: DirectoryEvent.Change, _ cause: Cause) {
    for key in directory.memberships.groups(of: member.key) {
      guard let group = directory.groups[key] else { continue }
      tell(change, member: member, group: group, because: cause)
    }
  }
}

extension Member.Profile {
  /// The profile that the event tells of. What was left out of it because of its size stays as it was.
  fileprivate init(_ event: UserChanged, keeping previous: Member.Profile?) {
    self.init(
      state: event.user.state, email: event.omits("email") ? previous?.email : event.user.email,
      displayName: event.omits("displayName") ? previous?.displayName : event.user.displayName,
      role: event.omits("role") ? previous?.role : event.user.role)
  }
}
