import Foundation
import Models
import Primitives
import SCIM
import SCIMStorage

/// A row of `identity.users`.
struct UserRecord: Sendable, Equatable {
  var key: ResourceKey
  var userName: String
  var externalID: String?
  var displayName: String?
  var givenName: String?
  var familyName: String?
  var email: String?
  /// The keys of the additional addresses; see `EmailKey`.
  var otherEmailKeys: [String] = []
  var language: String?
  var state: UserState
  var role: String
  var firstSignedInAt: Date?
  var version: Int64
  var createdAt: Date
  var modifiedAt: Date
  /// The open document; see `StoredResource`.
  var document: [UInt8]
  /// The product's id of the imported account that the user is linked to.
  var accountID: String?
  /// The stored key if it differs from the key of the name: another row has that key, or the row is not re-keyed yet.
  var storedNameKey: String?

  var id: UserID { key.id.user }
  /// The key that the row is stored under.
  var nameKey: NameKey { storedNameKey.map { NameKey(workspace: key.workspace, name: $0) } ?? ownNameKey }
  /// The key of the name.
  var ownNameKey: NameKey { NameKey(workspace: key.workspace, comparing: userName) }
  /// The key of the address; `nil` if it is missing or blank.
  var emailKey: NameKey? {
    let emailKey = email.map { NameKey(workspace: key.workspace, comparing: $0) }
    return emailKey?.name.isEmpty == true ? nil : emailKey
  }

  /// The state of the user once enabled: a person who has signed in before, or has an account in the product, needs no invitation.
  var stateWhenEnabled: UserState { firstSignedInAt == nil && accountID == nil ? .invited : .active }

  /// The key for filters by `displayName`.
  var displayNameKey: String? { displayName.map(Self.listingKey) }
  /// The sort key in the console.
  var listedNameKey: String {
    if let displayName, !displayName.isEmpty { return Self.listingKey(displayName) }
    if let givenName, let familyName { return Self.listingKey("\(givenName) \(familyName)") }
    return Self.listingKey(givenName ?? familyName ?? userName)
  }
  /// The additional key for the console's search.
  var familyNameKey: String? { familyName.flatMap { $0.isEmpty ? nil : Self.listingKey($0) } }

  /// The keys of `emails` except that of the address that mail is sent to.
  func otherEmailKeys(of emails: [String]) -> [String] {
    let main = emailKey?.name
    return Set(emails.filter { ComparisonKey($0).text != main }.map { EmailKey.text($0, in: key.workspace) }).sorted()
  }

  /// A key of bounded length, because it is indexed.
  private static func listingKey(_ text: String) -> String { String(ComparisonKey(text).text.unicodeScalars.prefix(200)) }

  var stored: StoredResource {
    StoredResource(id: key.id, version: version, modifiedAt: modifiedAt, document: document)
  }
}

/// A row of `identity.groups`. Members are rows of their own.
struct GroupRecord: Sendable, Equatable {
  var key: ResourceKey
  var displayName: String
  var externalID: String?
  var version: Int64
  var createdAt: Date
  var modifiedAt: Date
  var document: [UInt8]
  /// Whether the group got its name while the workspace allowed duplicate names.
  var mayShareName = false
  /// As ``UserRecord/storedNameKey``.
  var storedNameKey: String?

  var id: GroupID { key.id.group }
  var nameKey: NameKey { storedNameKey.map { NameKey(workspace: key.workspace, name: $0) } ?? ownNameKey }
  var ownNameKey: NameKey { NameKey(workspace: key.workspace, comparing: displayName) }

  var stored: StoredResource {
    StoredResource(id: key.id, version: version, modifiedAt: modifiedAt, document: document)
  }
}

/// A row of `identity.workspaces`.
struct WorkspaceRecord: Sendable, Equatable {
  var id: WorkspaceID
  var settings: WorkspaceSettings {
    didSet { schemas = settings.schemas }
  }
  /// The schemas of the workspace, extensions included.
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

/// A row of `identity.tokens`.
struct TokenRecord: Sendable, Equatable {
  var key: ResourceKey
  var kind = TokenKind.token
  var name: String
  /// The SHA-256 of the token, or of the secret of a client.
  var digest: [UInt8]
  var scopes: [TokenScope]
  var expiresAt: Date?
  var createdBy: String
  var createdAt: Date
  var revokedAt: Date?
  /// The token that this one replaces.
  var predecessor: TokenID?
  /// The token or link that opened a session.
  var openedWith: TokenID?
  /// The former secret of a client, while it is valid.
  var former: FormerSecret?

  struct FormerSecret: Sendable, Equatable {
    var digest: [UInt8]
    var until: Date
  }

  var id: TokenID { TokenID(key.id.uuid) }

  /// Whether it is neither revoked nor expired.
  func isValid(at now: Date) -> Bool {
    revokedAt == nil && expiresAt.map { $0 > now } ?? true
  }
}

/// A row of `identity.tombstones`: a deleted resource, without personal data.
struct Tombstone: Sendable, Equatable {
  var key: ResourceKey
  var type: ResourceType
  /// The keyed hash of the name of a deleted user.
  var userNameHash: [UInt8]?
  /// The version of the deletion; `nil` if unknown.
  var version: Int64?
  var deletedAt: Date

  enum ResourceType: String, Sendable {
    case user = "User"
    case group = "Group"
  }
}
