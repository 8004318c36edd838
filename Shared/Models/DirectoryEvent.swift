import Foundation

/// A change of the product's directory, or a condition of a workspace that the product should know: on `directory.events`, in the event log, in the
/// events API and in webhooks.
public struct DirectoryEvent: Sendable, Hashable, Codable {
  /// The workspace that the event is about.
  public var workspace: WorkspaceID
  /// The CloudEvents id: the same each time the change is decided. It is not part of the JSON.
  public var id = ""
  /// What changed.
  public var type: Kind
  /// The number of the event within its workspace, counted from 1 without gaps; `nil` until the event is stored.
  public var sequence: Int64?
  /// The member after the change; `nil` if only a group changed, and in events of the workspace.
  public var member: DirectoryMember?
  /// The group after the change; `nil` if only a member changed, and in events of the workspace.
  public var group: Group?
  /// The changed attributes, by name; those of schema extensions as `URN:name`. `nil` unless the event is an update.
  ///
  /// Empty if the old values are unknown, because the directory got the attributes with this change.
  public var changes: [String: AttributeChange]?
  /// Why access was revoked; `nil` for any other event.
  public var reason: RevocationReason?
  /// The seats of the workspace; `nil` unless the event is about them.
  public var seats: WorkspaceAlert.Seats?
  /// When identity-store made the change.
  public var changedAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates an event.
  public init(
    workspace: WorkspaceID, id: String, type: Kind, sequence: Int64? = nil, member: DirectoryMember? = nil, group: Group? = nil,
    changes: [String: AttributeChange]? = nil, reason: RevocationReason? = nil, seats: WorkspaceAlert.Seats? = nil, changedAt: Date
  ) {
    self.workspace = workspace
    self.id = id
    self.type = type
    self.sequence = sequence
    self.member = member
    self.group = group
    self.changes = changes
    self.reason = reason
    self.seats = seats
    self.changedAt = changedAt
  }

  enum CodingKeys: String, CodingKey {
    case workspace, type, sequence, member, group, changes, reason, seats, changedAt, omitted
  }

  /// The type of an event.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// A person was invited: new, or enabled again without ever having signed in.
    case memberInvited = "member.invited"
    /// Attributes of a person changed.
    case memberUpdated = "member.updated"
    /// The person signed in for the first time, or was enabled again.
    case memberActivated = "member.activated"
    /// The person was disabled and is no longer shown in any group, or was created as disabled.
    case memberDisabled = "member.disabled"
    /// The person was deleted.
    case memberDeleted = "member.deleted"
    /// The role of the person changed.
    case memberRoleChanged = "member.role-changed"
    /// End the person's sessions and API keys now. Published before every other event of the same change.
    case accessRevoked = "access-revoked"
    /// A group was created.
    case groupCreated = "group.created"
    /// The display name of a group changed.
    case groupUpdated = "group.updated"
    /// A group was deleted.
    case groupDeleted = "group.deleted"
    /// A person became a visible member of a group.
    case groupMemberAdded = "group.member-added"
    /// A person is no longer a visible member of a group.
    case groupMemberRemoved = "group.member-removed"
    /// 90 % of the seats of the workspace are taken.
    case workspaceSeatsWarning = "workspace.seats-warning"
    /// All seats of the workspace are taken.
    case workspaceSeatsExhausted = "workspace.seats-exhausted"
    /// The workspace has no active admin any more.
    case workspaceNoActiveAdmin = "workspace.no-active-admin"
  }

  /// A group in the product's directory.
  public struct Group: Sendable, Hashable, Codable {
    /// The id of the group.
    public var id: GroupID
    /// The name; `nil` in a membership event, and if the group is deleted.
    public var displayName: String?
    /// The version of the group that the event reflects.
    public var version: Int64

    /// Creates a group.
    public init(id: GroupID, displayName: String? = nil, version: Int64) {
      self.id = id
      self.displayName = displayName
      self.version = version
    }
  }

  /// The old and the new value of an attribute; `null` if it has none.
  public struct AttributeChange: Sendable, Hashable, Codable {
    /// The value before the change.
    public var from: JSONValue
    /// The value after the change.
    public var to: JSONValue

    /// Creates a change.
    public init(from: JSONValue, to: JSONValue) {
      self.from = from
      self.to = to
    }
  }

  /// Why access was revoked.
  public enum RevocationReason: String, Sendable, Hashable, Codable, CaseIterable {
    /// The user was disabled.
    case disabled
    /// The user was deleted.
    case deleted
  }

  /// The CloudEvents type, such as `rollcall.directory.member.invited.v2`.
  public var cloudEventType: String { type.cloudEventType }

  /// The CloudEvents subject: the group if the event has one, or else the member, or else the workspace.
  public var subject: String { group?.id.description ?? member?.id.description ?? workspace.description }

  /// The message of this event.
  ///
  /// - Parameter source: The process that produces it, such as `group-sync/0`.
  /// - Throws: The error of `JSONEncoder`.
  public func cloudEvent(source: String, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: cloudEventType, subject: subject, time: changedAt, extensions: ["workspaceid": workspace.description],
      traceparent: traceparent, data: try json())
  }

  /// Reads the event from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    try self.init(id: event.id, data: event.data)
    guard event.type == cloudEventType else { throw .unknownType(event.type) }
  }

  /// Reads the event from its JSON, for example from the event log.
  ///
  /// - Throws: ``MessageError`` if the JSON is malformed.
  public init(id: String, data: [UInt8]) throws(MessageError) {
    self = try JSONData.decode(from: data, type: "directory event")
    self.id = id
  }
}

extension DirectoryEvent.Kind {
  /// The CloudEvents type, such as `rollcall.directory.member.invited.v2`.
  public var cloudEventType: String { "rollcall.directory.\(rawValue).v2" }
}
