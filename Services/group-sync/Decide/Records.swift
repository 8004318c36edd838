import Models

/// What is known of something that may have been deleted.
enum Presence<Content: Sendable & Hashable>: Sendable, Hashable {
  case present(Content)
  /// It was there; it never comes back.
  case deleted

  var content: Content? {
    if case .present(let content) = self { content } else { nil }
  }
}

/// A person in the product's directory.
struct Member: Sendable, Hashable {
  let key: MemberKey
  /// Of the last event that was taken in.
  var version: Int64
  var presence: Presence<Profile>

  struct Profile: Sendable, Hashable {
    var state: UserState
    var email: String?
    var displayName: String?
    var role: String?
  }

  /// Whether the product shows the person in their groups.
  var isVisible: Bool { presence.content?.state == .active }
}

/// A group in the product's directory.
struct Group: Sendable, Hashable {
  let key: GroupKey
  /// Of the last event that was taken in.
  var position: Position
  var coverage: Coverage
  /// With the group's name.
  var presence: Presence<String>

  /// Which of the group's memberships are known to be all here.
  enum Coverage: Sendable, Hashable {
    /// All of them: nothing was missed since the group's creation or last restatement.
    case whole
    /// Those up to this member: a restatement has come so far.
    case through(UserID)
    /// Something was missed, and only a restatement tells what.
    case partial
  }

  /// Orders the events of one group.
  struct Position: Sendable, Hashable, Comparable {
    var version: Int64
    var part: Int

    /// Behind every part of a version: a restatement of it comes after them.
    static func restated(_ version: Int64) -> Position { Position(version: version, part: Int(Int32.max)) }

    static func < (left: Self, right: Self) -> Bool {
      (left.version, left.part) < (right.version, right.part)
    }

    /// Whether no event of the group can lie between `previous` and this one. (How many parts a version has, nobody says.)
    func follows(_ previous: Position) -> Bool {
      (version == previous.version && part - 1 == previous.part) || (version == previous.version + 1 && part == 0)
    }
  }
}
