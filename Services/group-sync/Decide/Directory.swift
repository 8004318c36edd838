import Models

/// The part of the directory that a batch loads, with the changes of the batch.
struct Directory: Sendable, Equatable {
  private(set) var members: [MemberKey: Member] = [:]
  private(set) var groups: [GroupKey: Group] = [:]
  var memberships = Memberships()
  /// Members to be written.
  private(set) var writtenMembers: Set<MemberKey> = []
  /// Groups to be written.
  private(set) var writtenGroups: Set<GroupKey> = []

  mutating func load(_ member: Member) { members[member.key] = member }
  mutating func load(_ group: Group) { groups[group.key] = group }
  mutating func load(_ membership: Membership) { memberships.load(membership) }

  mutating func write(_ member: Member) {
    members[member.key] = member
    writtenMembers.insert(member.key)
  }

  mutating func write(_ group: Group) {
    groups[group.key] = group
    writtenGroups.insert(group.key)
  }
}
