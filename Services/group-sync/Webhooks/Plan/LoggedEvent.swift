import Foundation
import Models

/// An event of the event log, as webhooks deliver it.
struct LoggedEvent: Sendable, Hashable {
  var workspace: WorkspaceID
  /// The number of the event within its workspace.
  var sequence: Int64
  /// The CloudEvents id.
  var id: String
  /// The raw value of a ``Models/DirectoryEvent/Kind``, or of one that only a newer release knows.
  var type: String
  /// When identity-store made the change.
  var changedAt: Date
  /// The event as JSON.
  var data: String
  /// The W3C trace context, if the event was not read from the log.
  var traceparent: String?

  /// Whether it ends sessions, and is therefore attempted ahead of earlier events.
  var isUrgent: Bool { type == DirectoryEvent.Kind.accessRevoked.rawValue }

  /// The approximate memory that the event takes, in bytes.
  var size: Int { data.utf8.count + id.utf8.count + 128 }
}

extension LoggedEvent {
  /// An event that was just stored; nil if it has no sequence number.
  ///
  /// - Parameters:
  ///   - data: The event as JSON.
  ///   - traceparent: Its W3C trace context.
  init?(_ event: DirectoryEvent, data: [UInt8], traceparent: String?) {
    guard let sequence = event.sequence else { return nil }
    self.init(
      workspace: event.workspace, sequence: sequence, id: event.id, type: event.type.rawValue, changedAt: event.changedAt,
      data: String(decoding: data, as: UTF8.self), traceparent: traceparent)
  }
}

/// Identifies an endpoint. Ids are unique for an owner: the creator of an endpoint may choose its id.
struct EndpointKey: Sendable, Hashable {
  /// The workspace of the endpoint, or ``WorkspaceID/deployment``.
  var owner: WorkspaceID
  var id: WebhookID
}

/// The deliveries of one endpoint for one workspace, which are in the order of the events.
struct LaneKey: Sendable, Hashable {
  var endpoint: EndpointKey
  /// The workspace of the events.
  var workspace: WorkspaceID
}

extension WebhookEndpoint {
  /// The key of the endpoint.
  var key: EndpointKey { EndpointKey(owner: workspace, id: id) }

  /// Whether an event of this type is delivered. A type that only a newer release knows is delivered to endpoints that receive all.
  func receives(type: String) -> Bool {
    guard let types else { return true }
    return types.contains { $0.rawValue == type }
  }
}
