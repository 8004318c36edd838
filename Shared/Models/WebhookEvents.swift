import Foundation

/// A webhook endpoint was created, changed or deleted. Published on `identity.events`, keyed by the workspace of the endpoint.
public struct WebhookChanged: Sendable, Hashable, Codable {
  /// The endpoint after the change; before it if the endpoint was deleted, with the version of the deletion.
  public var endpoint: WebhookEndpoint
  /// What happened.
  public var change: Change
  /// The actor of the command: `service:group-sync` if deliveries failed for too long.
  public var actor: String
  /// When the change was made.
  public var changedAt: Date

  /// Creates the event.
  public init(endpoint: WebhookEndpoint, change: Change, actor: String, changedAt: Date) {
    self.endpoint = endpoint
    self.change = change
    self.actor = actor
    self.changedAt = changedAt
  }

  /// What happened to an endpoint.
  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    /// The endpoint was created.
    case created
    /// The URL, the description, the types or the secret changed, or the endpoint was enabled.
    case updated
    /// The endpoint was deleted.
    case deleted
    /// The endpoint was disabled.
    case disabled
    /// Nothing changed; the state is published again for consumers that lost it.
    case restated
  }

  /// Whether group-sync disabled the endpoint, because deliveries failed for too long.
  public var isFailure: Bool { change == .disabled && actor == Command.Actor.service("group-sync").rawValue }
}

/// An administrator's order to group-sync, keyed by the workspace of the endpoint.
public struct WebhookOrdered: Sendable, Hashable, Codable {
  /// The id of the command, so that an order that is delivered twice is carried out once.
  public var id: CommandID
  /// The workspace of the endpoint.
  public var workspace: WorkspaceID
  /// The order.
  public var order: WebhookOrder
  /// The actor of the command.
  public var actor: String
  /// When identity-store accepted the order.
  public var orderedAt: Date

  /// Creates the event.
  public init(id: CommandID, workspace: WorkspaceID, order: WebhookOrder, actor: String, orderedAt: Date) {
    self.id = id
    self.workspace = workspace
    self.order = order
    self.actor = actor
    self.orderedAt = orderedAt
  }
}
