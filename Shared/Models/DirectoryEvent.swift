import Foundation

/// A change of the product's directory, published for the product on `directory.events`.
public struct DirectoryEvent: Sendable, Hashable, Codable {
  /// The workspace of the member or group.
  public var workspace: WorkspaceID
  /// What changed.
  public var change: Change
  /// The member; `nil` if only a group changed.
  public var member: UserID?
  /// The group; `nil` if only a member changed.
  public var group: GroupID?
  /// The name of the group after the change.
  public var displayName: String?
  /// The email address of the member.
  public var email: String?
  /// The role of the member after the change.
  public var role: String?
  /// Why access was revoked; `nil` for any other change.
  public var reason: RevocationReason?
  /// The version of the member that the event reflects.
  ///
  /// Events of a member and of a group may be on different partitions: of two events about the same membership, the one with the larger
  /// versions is the later one.
  public var memberVersion: Int64?
  /// The version of the group that the event reflects.
  public var groupVersion: Int64?
  /// When identity-store made the change.
  public var changedAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates a directory event.
  public init(
    workspace: WorkspaceID, change: Change, member: UserID? = nil, group: GroupID? = nil, displayName: String? = nil,
    email: String? = nil, role: String? = nil, reason: RevocationReason? = nil, memberVersion: Int64? = nil, groupVersion: Int64? = nil,
    changedAt: Date
  ) {
    self.workspace = workspace
    self.change = change
    self.member = member
    self.group = group
    self.displayName = displayName
    self.email = email
    self.role = role
    self.reason = reason
    self.memberVersion = memberVersion
    self.groupVersion = groupVersion
    self.changedAt = changedAt
  }

  /// What changed in the directory.
  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    /// End the person's sessions and API keys now. Published before every other event of the same change.
    case accessRevoked = "access-revoked"
    /// The person signed in for the first time, or was enabled again.
    case memberActivated = "member-activated"
    /// The person was disabled and is no longer shown in any group.
    case memberDisabled = "member-disabled"
    /// The person was deleted.
    case memberDeleted = "member-deleted"
    /// The role of the person changed.
    case roleChanged = "role-changed"
    /// A group was created.
    case groupCreated = "group-created"
    /// The display name of a group changed.
    case groupRenamed = "group-renamed"
    /// A group was deleted.
    case groupDeleted = "group-deleted"
    /// A person became a visible member of a group.
    case membershipAdded = "membership-added"
    /// A person is no longer a visible member of a group.
    case membershipRemoved = "membership-removed"
  }

  /// Why access was revoked.
  public enum RevocationReason: String, Sendable, Hashable, Codable, CaseIterable {
    /// The user was disabled.
    case disabled
    /// The user was deleted.
    case deleted
  }

  /// The CloudEvents type.
  public var type: String { "rollcall.directory.\(change.rawValue).v1" }

  /// The key of the message: the group if the event has one, or else the member.
  public var subject: String { group?.description ?? member?.description ?? workspace.description }

  /// The message of this event.
  ///
  /// - Parameters:
  ///   - id: The CloudEvents id.
  ///   - source: The process that produces it, such as `scim-api/0`.
  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: type, subject: subject, time: time, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try JSONData.encode(self))
  }

  /// Reads the event from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    self = try JSONData.decode(from: event.data, type: event.type)
    guard event.type == type else { throw .unknownType(event.type) }
  }
}
