import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage

/// A row of identity.users.
struct UserRecord: Sendable, Equatable {
  var key: ResourceKey
  var userName: String
  var externalID: String?
  var displayName: String?
  var givenName: String?
  var familyName: String?
  var email: String?
  /// Of the addresses that mail does not go to; see `EmailKey`.
  var otherEmailKeys: [String] = []
  var language: String?
  var state: UserState
  var role: String
  var firstSignedInAt: Date?
  var version: Int64
  var createdAt: Date
  var modifiedAt: Date
  /// See `StoredResource`.
  var document: [UInt8]
  /// What the row is stored under where that is not the key of its name: another row has that, or the row has not been re-keyed.
  var storedNameKey: String?

  var id: UserID { key.id.user }
  /// What the row is found by: the key of its name, unless it is stored under another.
  var nameKey: NameKey { storedNameKey.map { NameKey(workspace: key.workspace, name: $0) } ?? ownNameKey }
  /// The key of the name that it has.
  var ownNameKey: NameKey { NameKey(workspace: key.workspace, comparing: userName) }
  /// nil where there is no address, or only blanks.
  var emailKey: NameKey? {
    let emailKey = email.map { NameKey(workspace: key.workspace, comparing: $0) }
    return emailKey?.name.isEmpty == true ? nil : emailKey
  }

  /// What the user is found by in filters by displayName.
  var displayNameKey: String? { displayName.map(Self.listingKey) }
  /// What the console lists the user by.
  var listedNameKey: String {
    if let displayName, !displayName.isEmpty { return Self.listingKey(displayName) }
    if let givenName, let familyName { return Self.listingKey("\(givenName) \(familyName)") }
    return Self.listingKey(givenName ?? familyName ?? userName)
  }
  /// What the console's search finds the user by beside that.
  var familyNameKey: String? { familyName.flatMap { $0.isEmpty ? nil : Self.listingKey($0) } }

  /// The keys of `emails` but that of the address that mail goes to.
  func otherEmailKeys(of emails: [String]) -> [String] {
    let main = emailKey?.name
    return Set(emails.filter { ComparisonKey($0).text != main }.map { EmailKey.text($0, in: key.workspace) }).sorted()
  }

  /// Bounded, as index entries are.
  private static func listingKey(_ text: String) -> String { String(ComparisonKey(text).text.unicodeScalars.prefix(200)) }

  var stored: StoredResource {
    StoredResource(id: key.id, version: version, modifiedAt: modifiedAt, document: document)
  }

  var snapshot: UserSnapshot {
    UserSnapshot(
      id: id, state: state, userName: userName, displayName: displayName, givenName: givenName, familyName: familyName, email: email,
      language: language, role: role, firstSignedInAt: firstSignedInAt)
  }
}

/// A row of identity.groups; its members are rows of their own.
struct GroupRecord: Sendable, Equatable {
  var key: ResourceKey
  var displayName: String
  var externalID: String?
  var version: Int64
  var createdAt: Date
  var modifiedAt: Date
  var document: [UInt8]
  /// Whether it got its name while the workspace allowed two groups of one name.
  var mayShareName = false
  /// As that of a user.
  var storedNameKey: String?

  var id: GroupID { key.id.group }
  var nameKey: NameKey { storedNameKey.map { NameKey(workspace: key.workspace, name: $0) } ?? ownNameKey }
  var ownNameKey: NameKey { NameKey(workspace: key.workspace, comparing: displayName) }

  var stored: StoredResource {
    StoredResource(id: key.id, version: version, modifiedAt: modifiedAt, document: document)
  }
}

/// A row of identity.workspaces.
struct WorkspaceRecord: Sendable, Equatable {
  var id: WorkspaceID
  var settings: WorkspaceSettings {
    didSet { schemas = settings.schemas }
  }
  /// The schemas that hold in the workspace.
  private(set) var schemas: ResourceSchemas
  var version: Int64
  var createdAt: Date
  var modifiedAt: Date

  init(id: WorkspaceID, settings: WorkspaceSettings, version: Int64, createdAt: Date, modifiedAt: Date) {
    self.id = id
    self.settings = settings
    self.schemas = settings.schemas
    self.version = version
    self.createdAt = createdAt
    self.modifiedAt = modifiedAt
  }
}

/// A row of identity.tokens.
struct TokenRecord: Sendable, Equatable {
  var key: ResourceKey
  var kind = TokenKind.token
  var name: String
  /// Of a client that of its secret.
  var digest: [UInt8]
  var scopes: [TokenScope]
  var expiresAt: Date?
  var createdBy: String
  var createdAt: Date
  var revokedAt: Date?
  /// The token that this one takes the place of.
  var predecessor: TokenID?
  /// The token or link that a session was opened with.
  var openedWith: TokenID?
  /// The secret that a client had before, while it is good, too.
  var former: FormerSecret?

  struct FormerSecret: Sendable, Equatable {
    var digest: [UInt8]
    var until: Date
  }

  var id: TokenID { TokenID(key.id.uuid) }

  /// Whether it lets anyone in at `now`.
  func isGood(at now: Date) -> Bool {
    revokedAt == nil && expiresAt.map { $0 > now } ?? true
  }
}

/// A row of identity.tombstones: what is left of a deleted resource.
struct Tombstone: Sendable, Equatable {
  var key: ResourceKey
  var type: ResourceType
  /// Keyed hash of a deleted user's name.
  var userNameHash: [UInt8]?
  /// Of the deletion; nil where it is not known any more.
  var version: Int64?
  var deletedAt: Date

  enum ResourceType: String, Sendable {
    case user = "User"
    case group = "Group"
  }
}
