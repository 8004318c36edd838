import Foundation
import Models

/// What is looked up about a failure, as it is now, before it is diagnosed.
public struct DiagnosisContext: Sendable {
  /// The token that was sent, where it is one of the workspace's.
  public var token: Token?
  public var settings: WorkspaceSettings?
  /// Whether the resource that the request names is there now.
  public var resourceExists = false
  /// When the resource was deleted.
  public var deletedAt: Date?
  /// Who has the name now that the request gives, or that the deleted resource had.
  public var nameOwner: NameOwner?
  /// Of the members that the request names those that nobody has as id.
  public var unknownMembers: [UnknownMember] = []

  public init() {}

  public struct Token: Sendable, Hashable {
    public var name: String
    public var scopes: [String]
    public var expiresAt: Date?
    public var revokedAt: Date?

    public init(name: String, scopes: [String], expiresAt: Date?, revokedAt: Date?) {
      self.name = name
      self.scopes = scopes
      self.expiresAt = expiresAt
      self.revokedAt = revokedAt
    }
  }

  /// A user or group that is there.
  public struct NameOwner: Sendable, Hashable {
    public var id: ResourceID
    public var name: String
    public var externalID: String?
    /// Of a user.
    public var state: String?

    public init(id: ResourceID, name: String, externalID: String?, state: String?) {
      self.id = id
      self.name = name
      self.externalID = externalID
      self.state = state
    }
  }

  public struct UnknownMember: Sendable, Hashable {
    public var id: String
    /// Where a user had it.
    public var deletedAt: Date?

    public init(id: String, deletedAt: Date?) {
      self.id = id
      self.deletedAt = deletedAt
    }
  }
}
