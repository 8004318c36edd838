import Models

// What the seat limit and the change guard count, with the changes of this batch.
extension WorkingSet {
  mutating func loadSeats(taken: Int, in workspace: WorkspaceID) { seats[workspace] = taken }
  mutating func loadOtherAdmins(exist: Bool, in workspace: WorkspaceID) { hasOtherAdmins[workspace] = exist }

  /// Whether a workspace has an active admin other than this user. True if no command of the batch needs to know.
  func hasAdmin(otherThan user: ResourceKey) -> Bool {
    guard let others = hasOtherAdmins[user.workspace], !others else { return true }
    return users.values.contains { $0.key.workspace == user.workspace && $0.key != user && $0.isAdmin && $0.state == .active }
  }

  /// An active admin among the loaded users; `nil` if there is none, or if there may be others.
  func onlyAdmin(of workspace: WorkspaceID) -> UserID? {
    guard let others = hasOtherAdmins[workspace], !others else { return nil }
    return users.values.filter { $0.key.workspace == workspace && $0.isAdmin && $0.state == .active }.map(\.id).min()
  }

  /// Counts the seats that a change of a user takes or frees.
  mutating func countSeats(from former: UserRecord?, to user: UserRecord?) {
    guard let workspace = (user ?? former)?.key.workspace, let taken = seats[workspace] else { return }
    seats[workspace] = taken + (user?.takesSeat == true ? 1 : 0) - (former?.takesSeat == true ? 1 : 0)
  }
}

extension UserRecord {
  /// Whether the user takes a seat of the workspace; see `SeatLimit`.
  var takesSeat: Bool { state.isActiveInSCIM }

  /// Whether the user has the built-in role of administrators.
  var isAdmin: Bool { role == WorkspaceSettings.adminRole }
}
