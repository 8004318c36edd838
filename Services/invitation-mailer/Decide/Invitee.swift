import Crypto
import Foundation
import Models
import Primitives

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
  /// What a sign-in of theirs may come with; none of someone deleted.
  var nameKey: SignInKey?
  var emailKey: SignInKey?
  /// What it came with before there were comparison keys, where that differs: sign-ins from then are remembered by it. Not stored.
  var formerKeys: [SignInKey] = []

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

/// What is kept of what a person signs in with: a hash, to recognise it by.
struct SignInKey: Sendable, Hashable, Comparable {
  var bytes: [UInt8]

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Of a userName or an address: of its comparison key.
  init(_ name: String, in workspace: WorkspaceID) {
    self.init(compared: ComparisonKey(name).text, in: workspace)
  }

  private init(compared name: String, in workspace: WorkspaceID) {
    bytes = Array(SHA256.hash(data: Array("\(workspace) \(name)".utf8)).prefix(16))
  }

  /// Of the same as it was compared before there were comparison keys; nil where that is not different.
  static func former(_ name: String, in workspace: WorkspaceID) -> SignInKey? {
    ComparisonKey.former(of: name).map { SignInKey(compared: $0, in: workspace) }
  }

  static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// What is kept of a workspace.
struct WorkspaceRecord: Sendable, Hashable {
  var id: WorkspaceID
  var settings: WorkspaceSettings
  var version: Int64
}

/// An invitation when it comes into being.
struct NewInvitation: Sendable, Hashable {
  var id: InvitationID
  var user: UserKey
  /// The user's version that invited them.
  var version: Int64
  var fate: Fate
  var traceparent: String?
  /// Since when it is as good as made, where that is not now: what was forgotten is no younger for being made up for.
  var since: Date?

  enum Fate: Sendable, Hashable {
    case scheduled(InvitationPlan, reason: String)
    /// The workspace is not known yet: its policy decides when it is.
    case unplanned
    /// Never to be sent, and why.
    case failed(reason: String)
    case revoked(reason: String)
    /// It would not be good any more.
    case expired(reason: String)
  }

  /// Stable per becoming-invited: however often the event is delivered, it is the same invitation.
  static func id(of user: UserKey, version: Int64) -> InvitationID {
    .derived("invitation", user.workspace.description, user.id.description, String(version))
  }
}
