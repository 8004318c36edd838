import Crypto
import Foundation
import Models
import Primitives

/// The key of a user: ids are unique per workspace.
struct UserKey: Sendable, Hashable, Comparable {
  var workspace: WorkspaceID
  var id: UserID

  static func < (left: Self, right: Self) -> Bool { (left.workspace, left.id) < (right.workspace, right.id) }
}

/// The stored data of a user.
struct UserRecord: Sendable, Hashable {
  var key: UserKey
  /// The version of the event that the data is from.
  var version: Int64
  var state: State
  /// The keys by which sign-ins are matched: of the user name and of the address. Nil for deleted users.
  var nameKey: SignInKey?
  var emailKey: SignInKey?
  /// The keys of earlier versions, if they differ, because skipped sign-ins are remembered by them. Not stored.
  var formerKeys: [SignInKey] = []

  enum State: Sendable, Hashable {
    /// The only state in which personal data is needed and stored.
    case invited(Invitee)
    case active
    case disabled
    case deleted
  }
}

/// The recipient of an invitation.
struct Invitee: Sendable, Hashable {
  var email: String?
  var givenName: String?
  var displayName: String?
  /// BCP 47.
  var language: String?
}

/// A hash of the name or address that a person signs in with, to match it without storing it.
struct SignInKey: Sendable, Hashable, Comparable {
  var bytes: [UInt8]

  /// A stored key.
  init(bytes: [UInt8]) { self.bytes = bytes }

  /// The key of a user name or an address, based on its ``ComparisonKey``.
  init(_ name: String, in workspace: WorkspaceID) {
    self.init(compared: ComparisonKey(name).text, in: workspace)
  }

  private init(compared name: String, in workspace: WorkspaceID) {
    bytes = Array(SHA256.hash(data: Array("\(workspace) \(name)".utf8)).prefix(16))
  }

  /// The key as it was computed before ``ComparisonKey`` was introduced; nil if it is the same.
  static func former(_ name: String, in workspace: WorkspaceID) -> SignInKey? {
    ComparisonKey.former(of: name).map { SignInKey(compared: $0, in: workspace) }
  }

  static func < (left: Self, right: Self) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// The stored data of a workspace.
struct WorkspaceRecord: Sendable, Hashable {
  var id: WorkspaceID
  var settings: WorkspaceSettings
  var version: Int64
}
