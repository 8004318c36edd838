import Models

/// The loaded members of a group, with the changes of the batch.
///
/// Only the memberships that commands name are loaded, or all of them if a command replaces the members. The cost of a change thus depends
/// on its size, not on the size of the group.
struct GroupMembers: Sendable, Equatable {
  /// Whether a user is a member in the database.
  private(set) var stored: [UserID: Bool] = [:]
  /// The memberships that the batch changed.
  private(set) var changed: [UserID: Bool] = [:]

  init(stored: [UserID: Bool] = [:]) {
    self.stored = stored
  }

  mutating func load(_ user: UserID, isMember: Bool) {
    stored[user] = isMember
  }

  func contains(_ user: UserID) -> Bool {
    changed[user] ?? stored[user] ?? false
  }

  /// The number of members; all of them must be loaded.
  var count: Int {
    stored.count { $0.value }
      + changed.reduce(0) { count, change in
        count + (change.value ? 1 : 0) - ((stored[change.key] ?? false) ? 1 : 0)
      }
  }

  /// The number of members added minus the number removed by the batch.
  var balance: Int { changed.values.reduce(0) { $0 + ($1 ? 1 : -1) } }

  /// The members with ids in `range`, sorted; all of them must be loaded.
  func members(in range: MemberRange) -> [UserID] {
    Set(stored.keys).union(changed.keys).filter { range.contains($0) && contains($0) }.sorted()
  }

  /// Adds users, and returns those who were not members, in the given order.
  mutating func add(_ users: some Sequence<UserID>) -> [UserID] {
    users.filter { user in
      guard !contains(user) else { return false }
      set(user, isMember: true)
      return true
    }
  }

  /// Removes users, and returns those who were members, in the given order.
  mutating func remove(_ users: some Sequence<UserID>) -> [UserID] {
    users.filter { user in
      guard contains(user) else { return false }
      set(user, isMember: false)
      return true
    }
  }

  /// Replaces the members; all of them must be loaded. Returns the users who were added and removed.
  mutating func replace(with users: [UserID]) -> (added: [UserID], removed: [UserID]) {
    let replacement = Set(users)
    let leaving = Set(stored.keys).union(changed.keys).filter { contains($0) && !replacement.contains($0) }.sorted()
    return (add(users), remove(leaving))
  }

  /// Removes a deleted user. The rows are deleted together with the user.
  mutating func removeDeleted(_ user: UserID) {
    stored[user] = nil
    changed[user] = nil
  }

  /// The members added and removed since `earlier`.
  func difference(from earlier: GroupMembers) -> (added: [UserID], removed: [UserID]) {
    let affected = Set(changed.keys).union(earlier.changed.keys).sorted()
    return (
      affected.filter { contains($0) && !earlier.contains($0) },
      affected.filter { !contains($0) && earlier.contains($0) }
    )
  }

  /// The rows to insert.
  var additions: [UserID] { changed.filter(\.value).keys.sorted() }
  /// The rows to delete.
  var removals: [UserID] { changed.filter { !$0.value }.keys.sorted() }

  private mutating func set(_ user: UserID, isMember: Bool) {
    changed[user] = (stored[user] ?? false) == isMember ? nil : isMember
  }
}
