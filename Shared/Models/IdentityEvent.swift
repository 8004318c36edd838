import Foundation

/// What changed in the store, on `identity.events`; keyed by the resource, in the order of its versions.
public enum IdentityEvent: Sendable, Equatable {
  case userChanged(UserChanged)
  case groupChanged(GroupChanged)
  case workspaceChanged(WorkspaceChanged)
  case signInRefused(SignInRefused)
  case changeHeld(ChangeHeld)
  case invitationOrdered(InvitationOrdered)
}

/// A user's new state, whole.
public struct UserChanged: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var user: UserSnapshot
  public var change: Change
  public var version: Int64
  public var changedAt: Date
  /// Of a restatement of someone who is invited; nil for any other change.
  public var invitation: RestatedInvitation?
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  public init(
    workspace: WorkspaceID, user: UserSnapshot, change: Change, version: Int64, changedAt: Date, invitation: RestatedInvitation? = nil
  ) {
    self.workspace = workspace
    self.user = user
    self.change = change
    self.version = version
    self.changedAt = changedAt
    self.invitation = invitation
  }

  /// What a consumer that knows of no invitation of the person needs in order to make up for it, or not to.
  public struct RestatedInvitation: Sendable, Hashable, Codable {
    /// When the person was created: they were invited then, or later.
    public var createdAt: Date
    /// What the operator wants.
    public var missing: Restatement.Invitations

    public init(createdAt: Date, missing: Restatement.Invitations) {
      self.createdAt = createdAt
      self.missing = missing
    }
  }

  /// What brought the new state about.
  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    /// Created; the state tells whether invited, active (had signed in already) or disabled.
    case created
    /// The profile or the role changed, not the state.
    case updated
    /// First sign-in: invited became active.
    case activated
    /// `active: false`.
    case disabled
    /// `active: true` again: invited (to be invited anew) or active, as the state says.
    case enabled
    /// Gone; the snapshot has the id alone, and no personal data.
    case deleted
    /// Published again on an operator's request; nothing changed. Takes effect also where it is as new as what a consumer holds.
    case restated
  }
}

/// What consumers need to know of a user.
public struct UserSnapshot: Sendable, Hashable, Codable {
  public var id: UserID
  public var state: UserState
  public var userName: String?
  public var displayName: String?
  public var givenName: String?
  public var familyName: String?
  /// The primary address, else the first, else a `userName` that is an address.
  public var email: String?
  /// BCP 47, from `preferredLanguage` or `locale`.
  public var language: String?
  public var role: String?
  public var firstSignedInAt: Date?

  public init(
    id: UserID, state: UserState, userName: String? = nil, displayName: String? = nil, givenName: String? = nil,
    familyName: String? = nil, email: String? = nil, language: String? = nil, role: String? = nil, firstSignedInAt: Date? = nil
  ) {
    self.id = id
    self.state = state
    self.userName = userName
    self.displayName = displayName
    self.givenName = givenName
    self.familyName = familyName
    self.email = email
    self.language = language
    self.role = role
    self.firstSignedInAt = firstSignedInAt
  }
}

/// A group's new state, with what changed of its members.
///
/// A change of many members is cut into parts of at most ``maximumMembersPerEvent`` ids; (`version`, `part`) orders them.
public struct GroupChanged: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var group: GroupID
  public var displayName: String
  public var externalID: String?
  public var change: Change
  public var version: Int64
  /// From 0 within one version.
  public var part: Int
  public var addedMembers: [UserID]
  public var removedMembers: [UserID]
  /// Of a restatement: which part of the members it is about. nil for any other change.
  public var range: MemberRange?
  public var changedAt: Date
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  public static let maximumMembersPerEvent = 1000

  public init(
    workspace: WorkspaceID, group: GroupID, displayName: String, externalID: String?, change: Change, version: Int64, part: Int,
    addedMembers: [UserID], removedMembers: [UserID], range: MemberRange? = nil, changedAt: Date
  ) {
    self.workspace = workspace
    self.group = group
    self.displayName = displayName
    self.externalID = externalID
    self.change = change
    self.version = version
    self.part = part
    self.addedMembers = addedMembers
    self.removedMembers = removedMembers
    self.range = range
    self.changedAt = changedAt
  }

  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    case created, updated, deleted
    /// Published again on an operator's request, in parts that stand for themselves: the members in ``GroupChanged/range`` are those that
    /// are added, and no others. Takes effect also where it is as new as what a consumer holds.
    case restated
  }
}

/// The ids behind `after` up to and including `through`; nil is before the first, or behind the last.
public struct MemberRange: Sendable, Hashable, Codable {
  public var after: UserID?
  public var through: UserID?

  public init(after: UserID? = nil, through: UserID? = nil) {
    self.after = after
    self.through = through
  }

  public func contains(_ user: UserID) -> Bool {
    if let after, user <= after { return false }
    if let through, user > through { return false }
    return true
  }
}

/// A workspace's new settings, whole.
public struct WorkspaceChanged: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var settings: WorkspaceSettings
  public var version: Int64
  public var changedAt: Date
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  public init(workspace: WorkspaceID, settings: WorkspaceSettings, version: Int64, changedAt: Date) {
    self.workspace = workspace
    self.settings = settings
    self.version = version
    self.changedAt = changedAt
  }
}

/// A disabled user signed in: nothing was changed; for the audit trail.
public struct SignInRefused: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  public var user: UserID
  public var signedInAt: Date

  public init(workspace: WorkspaceID, user: UserID, signedInAt: Date) {
    self.workspace = workspace
    self.user = user
    self.signedInAt = signedInAt
  }
}

/// An operator's order to invitation-mailer; keyed by the user it is about, else by the workspace.
public struct InvitationOrdered: Sendable, Hashable, Codable {
  /// Of the command: an order that is delivered twice is carried out once.
  public var id: CommandID
  public var workspace: WorkspaceID
  public var order: InvitationOrder
  /// Who gave it.
  public var actor: String
  public var orderedAt: Date
  /// The fields that were left out because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  public init(id: CommandID, workspace: WorkspaceID, order: InvitationOrder, actor: String, orderedAt: Date) {
    self.id = id
    self.workspace = workspace
    self.order = order
    self.actor = actor
    self.orderedAt = orderedAt
  }
}

extension IdentityEvent {
  /// The CloudEvents type.
  public var type: String {
    switch self {
    case .userChanged: "rollcall.user.changed.v1"
    case .groupChanged: "rollcall.group.changed.v1"
    case .workspaceChanged: "rollcall.workspace.changed.v1"
    case .signInRefused: "rollcall.sign-in.refused.v1"
    case .changeHeld: "rollcall.change.held.v1"
    case .invitationOrdered: "rollcall.invitation.ordered.v1"
    }
  }

  public var workspace: WorkspaceID {
    switch self {
    case .userChanged(let event): event.workspace
    case .groupChanged(let event): event.workspace
    case .workspaceChanged(let event): event.workspace
    case .signInRefused(let event): event.workspace
    case .changeHeld(let event): event.workspace
    case .invitationOrdered(let event): event.workspace
    }
  }

  /// What it is about: the key of its message.
  public var resource: ResourceID {
    switch self {
    case .userChanged(let event): event.user.id.resource
    case .groupChanged(let event): event.group.resource
    case .workspaceChanged(let event): event.workspace.resource
    case .signInRefused(let event): event.user.resource
    case .changeHeld(let event): event.resource
    case .invitationOrdered(let event): event.order.user?.resource ?? event.workspace.resource
    }
  }

  /// The data of its message.
  public func data() throws -> [UInt8] {
    switch self {
    case .userChanged(let event): try JSONData.encode(event)
    case .groupChanged(let event): try JSONData.encode(event)
    case .workspaceChanged(let event): try JSONData.encode(event)
    case .signInRefused(let event): try JSONData.encode(event)
    case .changeHeld(let event): try JSONData.encode(event)
    case .invitationOrdered(let event): try JSONData.encode(event)
    }
  }

  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: type, subject: resource.description, time: time,
      extensions: ["workspaceid": workspace.description], traceparent: traceparent, data: try data())
  }

  /// - Throws: ``MessageError`` where the message is none of these.
  public init(_ event: CloudEvent) throws(MessageError) {
    switch event.type {
    case "rollcall.user.changed.v1": self = .userChanged(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.group.changed.v1": self = .groupChanged(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.workspace.changed.v1": self = .workspaceChanged(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.invitation.ordered.v1": self = .invitationOrdered(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.sign-in.refused.v1": self = .signInRefused(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.change.held.v1": self = .changeHeld(try JSONData.decode(from: event.data, type: event.type))
    default: throw .unknownType(event.type)
    }
  }
}

extension IdentityEvent {
  /// Names the event: the same change has the same id however often it is published. Each restatement is an event of its own.
  public var identity: String {
    switch self {
    case .userChanged(let event) where event.change == .restated:
      "\(event.user.id)/\(event.version)/restated/\(Timestamp.text(event.changedAt))"
    case .userChanged(let event): "\(event.user.id)/\(event.version)"
    case .groupChanged(let event) where event.change == .restated:
      "\(event.group)/\(event.version)/restated/\(event.range?.after?.description ?? "")/\(Timestamp.text(event.changedAt))"
    case .groupChanged(let event): "\(event.group)/\(event.version)/\(event.part)"
    case .workspaceChanged(let event): "\(event.workspace)/\(event.version)"
    case .changeHeld(let event): "\(event.change)"
    case .invitationOrdered(let event): "\(event.id)"
    case .signInRefused(let event): "\(event.user)/\(Timestamp.text(event.signedInAt))"
    }
  }
}
