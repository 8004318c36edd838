import Models

/// Names a user.
struct UserKey: Sendable, Hashable, Comparable {
  var workspace: WorkspaceID
  var id: UserID

  static func < (left: Self, right: Self) -> Bool { (left.workspace, left.id) < (right.workspace, right.id) }
}

/// What is kept of a user.
struct UserRecord: Sendable, Hashable {
  var key: UserKey
  /// Of the event that said so.
  var version: Int64
  var state: State

  enum State: Sendable, Hashable {
    /// The only state in which personal data is needed, and kept.
    case invited(Invitee)
    case active
    case disabled
    case deleted
  }
}

/// Whom a mail goes to.
struct Invitee: Sendable, Hashable {
  var email: String?
  var givenName: String?
  var displayName: String?
  /// BCP 47.
  var language: String?
}

/// What is kept of a workspace.
struct WorkspaceRecord: Sendable, Hashable {
  var id: WorkspaceID
  var name: String
  var signInURL: String
  var version: Int64
}

/// An invitation when it comes into being.
struct NewInvitation: Sendable, Hashable {
  var id: InvitationID
  var user: UserKey
  /// The user's version that invited them.
  var version: Int64
  var state: State
  var traceparent: String?

  enum State: Sendable, Hashable {
    case pending
    /// Never to be sent, and why.
    case failed(reason: String)
  }

  /// Stable per becoming-invited: however often the event is delivered, it is the same invitation.
  static func id(of user: UserKey, version: Int64) -> InvitationID {
    .derived("invitation", user.workspace.description, user.id.description, String(version))
  }
}
