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
        presence: .present(Member.Profile(event, keeping: previous?.presence.content)))
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
    let (before, after) = (previous?.presence.content?.state, member.presence.content?.state)
    let start = published.count
    let revokes = revokesAccess(from: before, to: after, change)
    if revokes { publish(.accessRevoked, member: member.inEvent(after: previous), reason: .disabled, because: cause) }
    if revokes || (after == .disabled && before != .disabled) { publish(.memberDisabled, of: member, cause) }
    if after == .active && before != .active { publish(.memberActivated, of: member, cause) }
    if after == .invited && before != .invited { publish(.memberInvited, of: member, cause) }
    publishUpdate(of: member, from: previous, after: change, cause)
    switch (previous?.isVisible ?? false, member.isVisible) {
    case (false, true): publishMemberships(of: member, .groupMemberAdded, cause)
    case (true, false): publishMemberships(of: member, .groupMemberRemoved, cause)
    case (true, true), (false, false): break
    }
    // An unknown user who is restated loses no access.
    guard revokes, previous != nil || change != .restated else { return }
    record(.disabled, of: member, previous: previous, published: published[start...], cause)
  }

  /// Whether the sessions of the user must end.
  ///
  /// A user who is invited in the directory may have just signed in. Only a user who is created as disabled has no sessions.
  private func revokesAccess(from before: UserState?, to after: UserState?, _ change: UserChanged.Change) -> Bool {
    switch (before, after) {
    case (.active?, .invited?), (.active?, .disabled?), (.invited?, .disabled?): true
    case (nil, .disabled?): change != .created
    default: false
    }
  }

  /// Publishes the changed attributes, and the role once more by itself.
  private mutating func publishUpdate(of member: Member, from previous: Member?, after change: UserChanged.Change, _ cause: Cause) {
    guard let before = previous?.presence.content, let profile = member.presence.content else { return }
    let changes = profile.changes(from: before)
    // Attributes that were not known before may have changed. A restatement fills them in without an event.
    let mayDiffer = change == .updated && before.details == nil && profile.details != nil
    if !changes.isEmpty || mayDiffer {
      publish(.memberUpdated, member: member.inEvent(after: previous), changes: changes, because: cause)
    }
    if let role = changes["role"] {
      publish(.memberRoleChanged, member: member.inEvent(after: previous), changes: ["role": role], because: cause)
    }
  }

  /// Deletes the user. Only the version remains, without personal data.
  private mutating func delete(_ key: MemberKey, previous: Member?, version: Int64, _ cause: Cause) {
    let member = Member(key: key, version: version, presence: .deleted)
    directory.write(member)
    let before = published.count
    // The access of a disabled user is revoked already.
    if previous?.presence.content?.state != .disabled {
      publish(.accessRevoked, member: member.inEvent(after: previous), reason: .deleted, because: cause)
    }
    publish(.memberDeleted, member: member.inEvent(after: previous), because: cause)
    if previous?.isVisible == true { publishMemberships(of: member, .groupMemberRemoved, cause) }
    if let previous { record(.deleted, of: member, previous: previous, published: published[before...], cause) }
    for group in directory.memberships.groups(of: key) { _ = directory.memberships.remove(Membership(group, key.id)) }
  }

  private mutating func publish(_ type: DirectoryEvent.Kind, of member: Member, _ cause: Cause) {
    publish(type, member: member.inEvent(after: nil), because: cause)
  }

  private mutating func publishMemberships(of member: Member, _ type: DirectoryEvent.Kind, _ cause: Cause) {
    for key in directory.memberships.groups(of: member.key) {
      guard let group = directory.groups[key] else { continue }
      publish(type, member: member.reference, group: group.reference, because: cause)
    }
  }
}
