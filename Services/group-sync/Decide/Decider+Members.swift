import Models

extension Decider {
  /// Applies a user event: the new state of the user.
  mutating func apply(_ event: UserChanged, _ cause: Cause) {
    let previous = directory.members[event.member]
    guard isApplicable(event, over: previous) else { return }
    if event.change == .deleted {
      delete(event.member, previous: previous, version: event.version, cause)
    } else {
      let member = Member(
        key: event.member, version: event.version,
        presence: .present(
          Member.Profile(event, keeping: previous?.presence.content)))
      guard member != previous else { return }
      directory.write(member)
      publishDifference(of: member, from: previous, after: event.change, cause)
    }
  }

  /// Whether the event is newer than the stored state.
  ///
  /// A restatement of the same version is applied, too, since it repairs the directory. It also undoes a stored deletion: ids are never
  /// reused, so the user was not really deleted. A deletion of the same version is applied as well.
  private func isApplicable(_ event: UserChanged, over previous: Member?) -> Bool {
    let stored = previous?.version ?? 0
    return switch event.change {
    case .restated: event.version >= stored
    case .deleted: previous?.presence != .deleted && event.version >= stored
    default: previous?.presence != .deleted && event.version > stored
    }
  }

  private mutating func publishDifference(of member: Member, from previous: Member?, after change: UserChanged.Change, _ cause: Cause) {
    switch (previous?.isVisible ?? false, member.isVisible) {
    case (false, true):
      publish(.memberActivated, member: member, because: cause)
      publishMemberships(of: member, .membershipAdded, cause)
    case (true, false):
      disable(member, previous: previous, change, cause)
    case (true, true):
      if member.presence.content?.role != previous?.presence.content?.role { publish(.roleChanged, member: member, because: cause) }
    case (false, false):
      // A user who is invited in the directory may have just signed in, so the sessions of a disabled user must end. Only a user who is
      // created as disabled has none.
      let state = previous?.presence.content?.state
      if member.presence.content?.state == .disabled, state != .disabled, state != nil || change != .created {
        disable(member, previous: previous, change, cause)
      }
    }
  }

  private mutating func disable(_ member: Member, previous: Member?, _ change: UserChanged.Change, _ cause: Cause) {
    let before = published.count
    publish(.accessRevoked, member: member, reason: .disabled, because: cause)
    publish(.memberDisabled, member: member, because: cause)
    if previous?.isVisible == true { publishMemberships(of: member, .membershipRemoved, cause) }
    // An unknown user who is restated loses no access.
    guard previous != nil || change != .restated else { return }
    record(.disabled, of: member, previous: previous, published: published[before...], cause)
  }

  /// Deletes the user. Only the version remains, without personal data.
  private mutating func delete(_ key: MemberKey, previous: Member?, version: Int64, _ cause: Cause) {
    let member = Member(key: key, version: version, presence: .deleted)
    directory.write(member)
    let before = published.count
    // The access of a disabled user is revoked already.
    if previous?.presence.content?.state != .disabled { publish(.accessRevoked, member: member, reason: .deleted, because: cause) }
    publish(.memberDeleted, member: member, because: cause)
    if previous?.isVisible == true { publishMemberships(of: member, .membershipRemoved, cause) }
    if let previous { record(.deleted, of: member, previous: previous, published: published[before...], cause) }
    for group in directory.memberships.groups(of: key) { _ = directory.memberships.remove(Membership(group, key.id)) }
  }

  private mutating func publishMemberships(of member: Member, _ change: DirectoryEvent.Change, _ cause: Cause) {
    for key in directory.memberships.groups(of: member.key) {
      guard let group = directory.groups[key] else { continue }
      publish(change, member: member, group: group, because: cause)
    }
  }
}

extension Member.Profile {
  /// Creates the profile from an event. Attributes that the event omits because of their size keep their values.
  fileprivate init(_ event: UserChanged, keeping previous: Member.Profile?) {
    self.init(
      state: event.user.state, email: event.omits("email") ? previous?.email : event.user.email,
      displayName: event.omits("displayName") ? previous?.displayName : event.user.displayName,
      role: event.omits("role") ? previous?.role : event.user.role)
  }
}
