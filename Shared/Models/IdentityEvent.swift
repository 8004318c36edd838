import Foundation

/// A change of the store, published on `identity.events`, keyed by resource and in the order of its versions.
public enum IdentityEvent: Sendable, Equatable {
  /// A user was created, changed or deleted.
  case userChanged(UserChanged)
  /// A group or its members changed.
  case groupChanged(GroupChanged)
  /// The settings of a workspace changed.
  case workspaceChanged(WorkspaceChanged)
  /// A disabled user signed in.
  case signInRefused(SignInRefused)
  /// A change waits for approval.
  case changeHeld(ChangeHeld)
  /// An operator gave invitation-mailer an order.
  case invitationOrdered(InvitationOrdered)
  /// A webhook endpoint was created, changed or deleted.
  case webhookChanged(WebhookChanged)
  /// An administrator gave group-sync an order about webhook deliveries.
  case webhookOrdered(WebhookOrdered)
  /// The administrators of a workspace should know something.
  case workspaceAlert(WorkspaceAlert)
}

/// The complete new settings of a workspace.
public struct WorkspaceChanged: Sendable, Hashable, Codable {
  /// The workspace of the event.
  public var workspace: WorkspaceID
  /// The settings after the change.
  public var settings: WorkspaceSettings
  /// The version of the resource after the change, counted from 1.
  public var version: Int64
  /// When the change was made.
  public var changedAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates the event.
  public init(workspace: WorkspaceID, settings: WorkspaceSettings, version: Int64, changedAt: Date) {
    self.workspace = workspace
    self.settings = settings
    self.version = version
    self.changedAt = changedAt
  }
}

/// A disabled user signed in. Nothing changed.
public struct SignInRefused: Sendable, Hashable, Codable {
  /// The workspace of the event.
  public var workspace: WorkspaceID
  /// The disabled user.
  public var user: UserID
  /// When the person signed in.
  public var signedInAt: Date

  /// Creates the event.
  public init(workspace: WorkspaceID, user: UserID, signedInAt: Date) {
    self.workspace = workspace
    self.user = user
    self.signedInAt = signedInAt
  }
}

/// An operator's order to invitation-mailer, keyed by the user, or else by the workspace.
public struct InvitationOrdered: Sendable, Hashable, Codable {
  /// The id of the command, so that an order that is delivered twice is carried out once.
  public var id: CommandID
  /// The workspace of the event.
  public var workspace: WorkspaceID
  /// The order.
  public var order: InvitationOrder
  /// The actor of the command.
  public var actor: String
  /// When identity-store accepted the order.
  public var orderedAt: Date
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates the event.
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
    case .webhookChanged: "rollcall.webhook.changed.v1"
    case .webhookOrdered: "rollcall.webhook.ordered.v1"
    case .workspaceAlert(let event): event.kind.eventType
    }
  }

  /// The workspace of the event.
  public var workspace: WorkspaceID {
    switch self {
    case .userChanged(let event): event.workspace
    case .groupChanged(let event): event.workspace
    case .workspaceChanged(let event): event.workspace
    case .signInRefused(let event): event.workspace
    case .changeHeld(let event): event.workspace
    case .invitationOrdered(let event): event.workspace
    case .webhookChanged(let event): event.endpoint.workspace
    case .webhookOrdered(let event): event.workspace
    case .workspaceAlert(let event): event.workspace
    }
  }

  /// The resource of the event, which is the key of its message.
  public var resource: ResourceID {
    switch self {
    case .userChanged(let event): event.user.id.resource
    case .groupChanged(let event): event.group.resource
    case .workspaceChanged(let event): event.workspace.resource
    case .signInRefused(let event): event.user.resource
    case .changeHeld(let event): event.resource
    case .invitationOrdered(let event): event.order.user?.resource ?? event.workspace.resource
    case .webhookChanged(let event): event.endpoint.id.resource
    case .webhookOrdered(let event): event.order.webhook.resource
    case .workspaceAlert(let event): event.workspace.resource
    }
  }

  /// The data of the message.
  ///
  /// - Throws: The error of `JSONEncoder`.
  public func data() throws -> [UInt8] {
    switch self {
    case .userChanged(let event): try event.json()
    case .groupChanged(let event): try JSONData.encode(event)
    case .workspaceChanged(let event): try JSONData.encode(event)
    case .signInRefused(let event): try JSONData.encode(event)
    case .changeHeld(let event): try JSONData.encode(event)
    case .invitationOrdered(let event): try JSONData.encode(event)
    case .webhookChanged(let event): try JSONData.encode(event)
    case .webhookOrdered(let event): try JSONData.encode(event)
    case .workspaceAlert(let event): try JSONData.encode(event)
    }
  }

  /// The message of this event.
  ///
  /// - Parameters:
  ///   - id: The CloudEvents id.
  ///   - source: The process that produces it, such as `scim-api/0`.
  public func cloudEvent(id: String, source: String, time: Date, traceparent: String?) throws -> CloudEvent {
    CloudEvent(
      id: id, source: source, type: type, subject: resource.description, time: time,
      extensions: ["workspaceid": workspace.description], traceparent: traceparent, data: try data())
  }

  /// The types that are read.
  private static let types =
    [
      "rollcall.user.changed.v1", "rollcall.group.changed.v1", "rollcall.workspace.changed.v1", "rollcall.invitation.ordered.v1",
      "rollcall.webhook.changed.v1", "rollcall.webhook.ordered.v1", "rollcall.sign-in.refused.v1", "rollcall.change.held.v1",
    ] + WorkspaceAlert.Kind.allCases.map(\.eventType)

  /// Reads an event from its message.
  ///
  /// - Throws: ``MessageError`` if the message is of another type or malformed.
  public init(_ event: CloudEvent) throws(MessageError) {
    switch event.type {
    case "rollcall.user.changed.v1": self = .userChanged(try UserChanged(json: event.data, type: event.type))
    case "rollcall.group.changed.v1": self = .groupChanged(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.workspace.changed.v1": self = .workspaceChanged(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.invitation.ordered.v1": self = .invitationOrdered(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.webhook.changed.v1": self = .webhookChanged(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.webhook.ordered.v1": self = .webhookOrdered(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.sign-in.refused.v1": self = .signInRefused(try JSONData.decode(from: event.data, type: event.type))
    case "rollcall.change.held.v1": self = .changeHeld(try JSONData.decode(from: event.data, type: event.type))
    case let type where WorkspaceAlert.Kind.allCases.contains(where: { $0.eventType == type }):
      self = .workspaceAlert(try JSONData.decode(from: event.data, type: event.type))
    default: throw .unreadable(event.type, known: Self.types)
    }
  }
}

extension IdentityEvent {
  /// A deterministic name: the same change has the same identity, however often it is published. Each restatement has its own.
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
    case .webhookChanged(let event) where event.change == .restated:
      "\(event.endpoint.id)/\(event.endpoint.version)/restated/\(Timestamp.text(event.changedAt))"
    case .webhookChanged(let event): "\(event.endpoint.id)/\(event.endpoint.version)"
    case .webhookOrdered(let event): "\(event.id)"
    case .workspaceAlert(let event): "\(event.command)/\(event.kind.rawValue)"
    case .signInRefused(let event): "\(event.user)/\(Timestamp.text(event.signedInAt))"
    }
  }
}
