import Models

/// Names something of one workspace.
struct WorkspaceKey<Subject>: Hashable, Sendable, Comparable {
  var workspace: WorkspaceID
  var id: Identifier<Subject>

  /// The order of the primary keys.
  static func < (left: Self, right: Self) -> Bool {
    (left.workspace, left.id) < (right.workspace, right.id)
  }
}

typealias MemberKey = WorkspaceKey<IdentifierSubject.User>
typealias GroupKey = WorkspaceKey<IdentifierSubject.Group>

/// That a person is in a group, visible or not.
struct Membership: Hashable, Sendable, Comparable {
  var group: GroupKey
  var member: MemberKey

  init(_ group: GroupKey, _ user: UserID) {
    self.group = group
    self.member = MemberKey(workspace: group.workspace, id: user)
  }

  static func < (left: Self, right: Self) -> Bool {
    (left.group, left.member) < (right.group, right.member)
  }
}
