import Models

/// A resource that is present or deleted.
enum Presence<Content: Sendable & Hashable>: Sendable, Hashable {
  case present(Content)
  /// Deleted for good.
  case deleted

  var content: Content? {
    if case .present(let content) = self { content } else { nil }
  }
}

/// A user in the product's directory.
struct Member: Sendable, Hashable {
  let key: MemberKey
  /// The version of the last applied event.
  var version: Int64
  var presence: Presence<Profile>

  struct Profile: Sendable, Hashable {
    var state: UserState
    var email: String?
    var displayName: String?
    var role: String?
    /// The other attributes; nil until an event has them, because the row or the event is of an earlier version.
    ///
    /// They are loaded only for users with events.
    var details: Details?
  }

  /// The attributes that earlier versions did not have.
  struct Details: Sendable, Hashable {
    var externalID: String?
    var accountID: String?
    var userName: String?
    var givenName: String?
    var familyName: String?
    var title: String?
    var department: String?
    var manager: ManagerReference?
    /// The custom attributes of each schema extension, by URN.
    var attributes: [String: JSONValue] = [:]
  }

  /// Whether the user is visible in the product.
  var isVisible: Bool { presence.content?.state == .active }
}

/// A group in the product's directory.
struct Group: Sendable, Hashable {
  let key: GroupKey
  /// The position of the last applied event.
  var position: Position
  var coverage: Coverage
  /// The name of the group, unless it is deleted.
  var presence: Presence<String>

  /// Which memberships of the group are known.
  enum Coverage: Sendable, Hashable {
    /// All: no event was missed since the creation or the last restatement of the group.
    case complete
    /// All up to this member: the end of an incomplete restatement.
    case through(UserID)
    /// An event was missed. Only a restatement can repair the group.
    case partial
  }

  /// The position of an event among those of its group.
  struct Position: Sendable, Hashable, Comparable {
    var version: Int64
    var part: Int

    /// The position of a restatement, after all parts of its version.
    static func restated(_ version: Int64) -> Position { Position(version: version, part: Int(Int32.max)) }

    static func < (left: Self, right: Self) -> Bool {
      (left.version, left.part) < (right.version, right.part)
    }

    /// Whether no event of the group can be between `previous` and this one. (The number of parts of a version is unknown.)
    func follows(_ previous: Position) -> Bool {
      (version == previous.version && part - 1 == previous.part) || (version == previous.version + 1 && part == 0)
    }
  }
}

/// The key of a resource in a workspace.
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

/// The membership of a user in a group, visible or not.
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
