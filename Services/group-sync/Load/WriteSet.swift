import Models

/// What a batch has to see before it can be decided.
struct WriteSet: Sendable, Equatable {
  var workspaces: Set<WorkspaceID> = []
  /// People with an event of their own: they and all their memberships.
  var members: Set<MemberKey> = []
  var groups: Set<GroupKey> = []
  /// Parts of groups, or whole ones, of which every member has to be seen.
  var ranges: Set<GroupRange> = []
  /// Memberships that an event names, and so the people in them.
  var memberships: Set<Membership> = []

  init(of events: some Sequence<IdentityEvent>) {
    for event in events { insert(event) }
  }

  /// Whether no event says anything of the directory.
  var isEmpty: Bool { workspaces.isEmpty }

  private mutating func insert(_ event: IdentityEvent) {
    switch event {
    case .userChanged(let event):
      workspaces.insert(event.workspace)
      members.insert(event.member)
    case .groupChanged(let event):
      workspaces.insert(event.workspace)
      groups.insert(event.key)
      if event.change == .deleted { ranges.insert(GroupRange(group: event.key, members: MemberRange())) }
      if event.change == .restated { ranges.insert(GroupRange(group: event.key, members: event.range ?? MemberRange())) }
      for user in event.addedMembers + event.removedMembers { memberships.insert(Membership(event.key, user)) }
    case .workspaceChanged, .signInRefused, .changeHeld, .invitationOrdered:
      break
    }
  }
}

extension UserChanged {
  var member: MemberKey { MemberKey(workspace: workspace, id: user.id) }
}

extension GroupChanged {
  var key: GroupKey { GroupKey(workspace: workspace, id: group) }
}

/// A part of a group's members.
struct GroupRange: Hashable, Sendable {
  var group: GroupKey
  var members: MemberRange
}
