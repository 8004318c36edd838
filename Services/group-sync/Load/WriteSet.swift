import Models
import Postgres

/// The keys of the rows that a batch of events reads and writes.
struct WriteSet: Sendable, Equatable {
  var workspaces: Set<WorkspaceID> = []
  /// Users with events, who are loaded with all their memberships.
  var members: Set<MemberKey> = []
  var groups: Set<GroupKey> = []
  /// Member ranges that are loaded completely.
  var ranges: Set<GroupRange> = []
  /// Memberships that events name, which are loaded with their users.
  var memberships: Set<Membership> = []
  /// Alerts, which are published once.
  var alerts: [WorkspaceAlert] = []

  init(of events: some Sequence<IdentityEvent>) {
    for event in events { insert(event) }
  }

  /// Whether no event affects the directory.
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
    case .workspaceAlert(let alert):
      workspaces.insert(alert.workspace)
      alerts.append(alert)
    case .workspaceChanged, .signInRefused, .changeHeld, .invitationOrdered, .webhookChanged, .webhookOrdered:
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

/// A range of the members of a group.
struct GroupRange: Hashable, Sendable {
  var group: GroupKey
  var members: MemberRange
}

// MARK: - Keys as array parameters of set-based statements, one array per column

extension [MemberKey] {
  /// Workspace ids and member ids.
  var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}

extension [GroupKey] {
  /// Workspace ids and group ids.
  var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}

extension [GroupRange] {
  /// Workspace ids, group ids, and the member ids that bound the ranges.
  var columns: [PostgresValue] {
    map(\.group).columns + [.uuidArray(map(\.members.after?.uuid)), .uuidArray(map(\.members.through?.uuid))]
  }
}

extension [Membership] {
  /// Workspace ids, group ids and member ids.
  var columns: [PostgresValue] {
    [.uuidArray(map(\.group.workspace.uuid)), .uuidArray(map(\.group.id.uuid)), .uuidArray(map(\.member.id.uuid))]
  }
}
