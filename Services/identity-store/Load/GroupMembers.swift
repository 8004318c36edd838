import Models

/// What is known of one group's members while a batch is decided: what is stored, and what the batch has changed so far.
///
/// Only the memberships that commands name are known, and all of them where a command replaces the whole; so the cost of a change
/// goes by its size, not by the group's.
struct GroupMembers: Sendable, Equatable {
  /// Whether a user is a member according to storage.
  private(set) var stored: [UserID: Bool] = [:]
  /// What the batch made of it, where that differs from storage.
  private(set) var changed: [UserID: Bool] = [:]

  init(stored: [UserID: Bool] = [:]) {
    self.stored = stored
  }

  mutating func know(_ user: UserID, isMember: Bool) {
    stored[user] = isMember
  }

  func contains(_ user: UserID) -> Bool {
    changed[user] ?? stored[user] ?? false
  }

  /// How many members there are; the whole membership has to be known.
  var count: Int {
    stored.count { $0.value }
      + changed.reduce(0) { count, change in
        count + (change.value ? 1 : 0) - ((stored[change.key] ?? false) ? 1 : 0)
      }
  }

  /// By how many the members are more than those in storage.
  var balance: Int { changed.values.reduce(0) { $0 + ($1 ? 1 : -1) } }

  /// The members whose ids lie in `range`, sorted; all those of storage in it have to be known.
  func members(in range: MemberRange) -> [UserID] {
    Set(stored.keys).union(changed.keys).filter { range.contains($0) && contains($0) }.sorted()
  }

  /// Adds those who are not members; returns them, in the given order and each once.
  mutating func add(_ users: some Sequence<UserID>) -> [UserID] {
    users.filter { user in
      guard !contains(user) else { return false }
      set(user, isMember: true)
      return true
    }
  }

  /// Removes those who are members; returns them, in the given order and each once.
  mutating func remove(_ users: some Sequence<UserID>) -> [UserID] {
    users.filter { user in
      guard contains(user) else { return false }
      set(user, isMember: false)
      return true
    }
  }

  /// Makes `users` the members; the whole membership has to be known. Returns who came and who went.
  mutating func replace(with users: [UserID]) -> (added: [UserID], removed: [UserID]) {
    let wanted = Set(users)
    let leaving = Set(stored.keys).union(changed.keys).filter { contains($0) && !wanted.contains($0) }.sorted()
    return (add(users), remove(leaving))
  }

  /// Forgets a user who is being deleted: the rows are deleted with the user's.
  mutating func forget(_ user: UserID) {
    stored[user] = nil
    changed[user] = nil
  }

  /// Who is a member here and not in `earlier`, and the other way round.
  func difference(from earlier: GroupMembers) -> (added: [UserID], removed: [UserID]) {
    let concerned = Set(changed.keys).union(earlier.changed.keys).sorted()
    return (
      concerned.filter { contains($0) && !earlier.contains($0) },
      concerned.filter { !contains($0) && earlier.contains($0) }
    )
  }

  /// The rows to write.
  var additions: [UserID] { changed.filter(\.value).keys.sorted() }
  /// The rows to delete.
  var removals: [UserID] { changed.filter { !$0.value }.keys.sorted() }

  private mutating func set(_ user: UserID, isMember: Bool) {
    changed[user] = (stored[user] ?? false) == isMember ? nil : isMember
  }
}
