import Models

/// The part of the directory that a batch touches: as it is stored, and then as the batch has changed it so far.
struct Directory: Sendable, Equatable {
  private(set) var members: [MemberKey: Member] = [:]
  private(set) var groups: [GroupKey: Group] = [:]
  var memberships = Memberships()
  private(set) var writtenMembers: Set<MemberKey> = []
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
