import Foundation
import Models

/// The current state that a diagnosis needs in addition to the log entry.
public struct DiagnosisContext: Sendable {
  /// The token of the request; nil if it is unknown.
  public var token: Token?
  /// The settings of the workspace.
  public var settings: WorkspaceSettings?
  /// Whether the resource of the request exists.
  public var resourceExists = false
  /// When the resource was deleted; nil if it was not.
  public var deletedAt: Date?
  /// The resource that has the name in the request, or the former name of the deleted resource.
  public var nameOwner: NameOwner?
  /// The members in the request that do not exist.
  public var unknownMembers: [UnknownMember] = []

  /// Creates an empty context.
  public init() {}

  /// An access token.
  public struct Token: Sendable, Hashable {
    /// The name.
    public var name: String
    /// The scopes.
    public var scopes: [String]
    /// The time of expiry; nil if it does not expire.
    public var expiresAt: Date?
    /// The time of revocation; nil if it is not revoked.
    public var revokedAt: Date?

    /// Creates a token.
    public init(name: String, scopes: [String], expiresAt: Date?, revokedAt: Date?) {
      self.name = name
      self.scopes = scopes
      self.expiresAt = expiresAt
      self.revokedAt = revokedAt
    }
  }

  /// The user or group that has a name.
  public struct NameOwner: Sendable, Hashable {
    /// The id.
    public var id: ResourceID
    /// The `userName` or `displayName`.
    public var name: String
    /// The client's identifier.
    public var externalID: String?
    /// The state of a user; nil for a group.
    public var state: String?

    /// Creates an owner.
    public init(id: ResourceID, name: String, externalID: String?, state: String?) {
      self.id = id
      self.name = name
      self.externalID = externalID
      self.state = state
    }
  }

  /// A member that does not exist.
  public struct UnknownMember: Sendable, Hashable {
    /// The id as sent.
    public var id: String
    /// When the user with this id was deleted; nil if there was none.
    public var deletedAt: Date?

    /// Creates an unknown member.
    public init(id: String, deletedAt: Date?) {
      self.id = id
      self.deletedAt = deletedAt
    }
  }
}
