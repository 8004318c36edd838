import Models

/// Who is in which group, as far as a batch touches it, and how that differs from what is stored.
struct Memberships: Sendable, Equatable {
  private var groups: [MemberKey: Set<GroupID>] = [:]
  private var members: [GroupKey: Set<UserID>] = [:]
  /// What is here and not stored.
  private(set) var added: Set<Membership> = []
  /// What is stored and not here.
  private(set) var removed: Set<Membership> = []

  /// The groups of a person, sorted.
  func groups(of member: MemberKey) -> [GroupKey] {
    groups[member, default: []].sorted().map { GroupKey(workspace: member.workspace, id: $0) }
  }

  /// The people in a group, sorted.
  func members(of group: GroupKey) -> [UserID] {
    members[group, default: []].sorted()
  }

  /// The people in a group whose ids lie in a range and are not among `others`, sorted.
  func members(of group: GroupKey, in range: MemberRange, except others: Set<UserID>) -> [UserID] {
    // Sorted last: of very many there are few.
    members[group, default: []].filter { range.contains($0) && !others.contains($0) }.sorted()
  }

  func contains(_ membership: Membership) -> Bool {
    members[membership.group]?.contains(membership.member.id) == true
  }

  /// Takes in what is stored.
  mutating func load(_ membership: Membership) {
    link(membership)
  }

  /// - Returns: Whether it was not there.
  mutating func insert(_ membership: Membership) -> Bool {
    guard !contains(membership) else { return false }
    link(membership)
    if removed.remove(membership) == nil { added.insert(membership) }
    return true
  }

  /// - Returns: Whether it was there.
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
