import Models

/// What a batch has to see before it can be decided.
struct Touches: Sendable, Equatable {
  var workspaces: Set<WorkspaceID> = []
  /// People with an event of their own: they and all their memberships.
  var members: Set<MemberKey> = []
  var groups: Set<GroupKey> = []
  /// Groups of which every member has to be seen.
  var wholeGroups: Set<GroupKey> = []
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
      if event.change == .deleted || event.isStartOfRestatement { wholeGroups.insert(event.key) }
      for user in event.addedMembers + event.removedMembers { memberships.insert(Membership(event.key, user)) }
    case .workspaceChanged, .signInRefused, .invitationOrdered:
      break
    }
  }
}

extension UserChanged {
  var member: MemberKey { MemberKey(workspace: workspace, id: user.id) }
}

extension GroupChanged {
  var key: GroupKey { GroupKey(workspace: workspace, id: group) }

  /// Whether the group's members are listed from here on, so that those it had count no more.
  var isStartOfRestatement: Bool { change == .restated && part == 0 }
}
