import Models

/// The part of the directory that a batch loads, with the changes of the batch.
struct Directory: Sendable, Equatable {
  private(set) var members: [MemberKey: Member] = [:]
  private(set) var groups: [GroupKey: Group] = [:]
  var memberships = Memberships()
  /// The sequence of the last event of each workspace that has one.
  private(set) var sequences: [WorkspaceID: Int64] = [:]
  /// The ids of events about workspaces that were published before.
  private(set) var publishedAlerts: Set<String> = []
  /// Members to be written.
  private(set) var writtenMembers: Set<MemberKey> = []
  /// Groups to be written.
  private(set) var writtenGroups: Set<GroupKey> = []

  mutating func load(_ member: Member) { members[member.key] = member }
  mutating func load(_ group: Group) { groups[group.key] = group }
  mutating func load(_ membership: Membership) { memberships.load(membership) }

  /// Loads the sequence of the last event of a workspace.
  mutating func load(_ sequence: Int64, of workspace: WorkspaceID) { sequences[workspace] = sequence }

  /// Notes that an event about a workspace is published.
  ///
  /// - Returns: Whether it was not before.
  @discardableResult
  mutating func publish(alert id: String) -> Bool { publishedAlerts.insert(id).inserted }

  /// The sequence of the next event of a workspace.
  mutating func nextSequence(of workspace: WorkspaceID) -> Int64 {
    sequences[workspace, default: 0] += 1
    return sequences[workspace, default: 0]
  }

  mutating func write(_ member: Member) {
    members[member.key] = member
    writtenMembers.insert(member.key)
  }

  mutating func write(_ group: Group) {
    groups[group.key] = group
    writtenGroups.insert(group.key)
  }
}
