import Foundation

/// What changed in the product's directory, on `directory.events`: for the product.
public struct DirectoryEvent: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var change: Change
  /// The member concerned; nil for a change of a group alone.
  public var member: UserID?
  /// The group concerned; nil for a change of a member alone.
  public var group: GroupID?
  /// The group's name after the change.
  public var displayName: String?
  public var email: String?
  public var role: String?
  /// Why access was revoked; nil for any other change.
  public var reason: RevocationReason?
  /// The member's version that the event reflects. Events of a member and of a group may be on two partitions: of two events about the
  /// same membership the one with the larger versions is the later.
  public var memberVersion: Int64?
  /// The group's version that the event reflects.
  public var groupVersion: Int64?
  public var changedAt: Date
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

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

  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    /// End the person's sessions and API keys now. Goes out before everything else that a disable or a deletion entails.
    case accessRevoked = "access-revoked"
    case memberActivated = "member-activated"
    case memberDisabled = "member-disabled"
    case memberDeleted = "member-deleted"
    case roleChanged = "role-changed"
    case groupCreated = "group-created"
    case groupRenamed = "group-renamed"
    case groupDeleted = "group-deleted"
    case membershipAdded = "membership-added"
    case membershipRemoved = "membership-removed"
  }

  public enum RevocationReason: String, Sendable, Hashable, Codable, CaseIterable {
    case disabled
    case deleted
  }

  /// The CloudEvents type.
  public var type: String { "rollcall.directory.\(change.rawValue).v1" }

  /// The key of its message: the group for what concerns a group, else the member.
  public var subject: String { group?.description ?? member?.description ?? workspace.description }

  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: type, subject: subject, time: time, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try JSONData.encode(self))
  }

  public init(_ event: CloudEvent) throws(MessageError) {
    self = try JSONData.decode(from: event.data, type: event.type)
    guard event.type == type else { throw .unknownType(event.type) }
  }
}
