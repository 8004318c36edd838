import Models

/// The loaded memberships of a batch, with its changes.
struct Memberships: Sendable, Equatable {
  private var groups: [MemberKey: Set<GroupID>] = [:]
  private var members: [GroupKey: Set<UserID>] = [:]
  /// Memberships to insert.
  private(set) var added: Set<Membership> = []
  /// Memberships to delete.
  private(set) var removed: Set<Membership> = []

  /// The groups of a user, sorted.
  func groups(of member: MemberKey) -> [GroupKey] {
    groups[member, default: []].sorted().map { GroupKey(workspace: member.workspace, id: $0) }
  }

  /// The members of a group, sorted.
  func members(of group: GroupKey) -> [UserID] {
    members[group, default: []].sorted()
  }

  /// The members of a group whose ids are in a range and not among `others`, sorted.
  func members(of group: GroupKey, in range: MemberRange, except others: Set<UserID>) -> [UserID] {
    // Filters before sorting, since few of many members remain.
    members[group, default: []].filter { range.contains($0) && !others.contains($0) }.sorted()
  }

  func contains(_ membership: Membership) -> Bool {
    members[membership.group]?.contains(membership.member.id) == true
  }

  /// Adds a stored membership.
  mutating func load(_ membership: Membership) {
    link(membership)
  }

  /// - Returns: Whether the membership is new.
  mutating func insert(_ membership: Membership) -> Bool {
    guard !contains(membership) else { return false }
    link(membership)
    if removed.remove(membership) == nil { added.insert(membership) }
    return true
  }

  /// - Returns: Whether the membership existed.
  mutating func remove(_ membership: Membership) -> Bool {
    guard contains(membership) else { return false }
    groups[membership.member]?.remove(membership.group.id)
    members[membership.group]?.remove(membership.member.id)
    if added.remove(membership) == nil { removed.insert(membership) }
    return true
  }

  private mutating func link(_ membership: Membership) {
    groups[membership.member, default: []].insert(membership.group.id)
    members[membership.group, default: []].insert(membership.member.id)
  }
}
