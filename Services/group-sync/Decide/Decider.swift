import Foundation
import Models

/// Applies identity events to a part of the directory, and decides which directory events to publish. Pure: the time is that of the events.
///
/// An event that is not newer than the directory changes nothing, and an alert is published once, so redeliveries are harmless. Events of users and of groups may arrive in
/// any order: a membership stays invisible until the user is known and active.
struct Decider: Sendable {
  var directory: Directory
  /// The events to publish to the product, in order.
  private(set) var published: [PublishedEvent] = []
  /// The deprovisioning receipts, in order.
  var receipts: [DeprovisionReceipt] = []

  /// An event for the product.
  struct PublishedEvent: Sendable, Equatable {
    var event: DirectoryEvent
    /// The W3C trace context of the identity event.
    var traceparent: String?
  }

  init(_ directory: Directory) {
    self.directory = directory
  }

  /// Applies an event.
  mutating func decide(_ event: IdentityEvent, traceparent: String? = nil) {
    switch event {
    case .userChanged(let change):
      apply(change, Cause(event: event, changedAt: change.changedAt, traceparent: traceparent))
    case .groupChanged(let change):
      apply(change, Cause(event: event, changedAt: change.changedAt, traceparent: traceparent))
    case .workspaceAlert(let alert):
      publish(alert, Cause(event: event, changedAt: alert.occurredAt, traceparent: traceparent))
    case .workspaceChanged, .signInRefused, .changeHeld, .invitationOrdered, .webhookChanged, .webhookOrdered:
      break
    }
  }

  /// Publishes a condition of a workspace, unless it was published before.
  private mutating func publish(_ alert: WorkspaceAlert, _ cause: Cause) {
    guard directory.publish(alert: alert.publishedID) else { return }
    publish(alert.kind.directoryEvent, seats: alert.seats, because: cause)
  }

  /// The identity event that causes a directory event.
  struct Cause: Sendable {
    var event: IdentityEvent
    var changedAt: Date
    var traceparent: String?
  }

  /// Publishes a change of a member, of a group, or of a membership, or a condition of the workspace.
  mutating func publish(
    _ type: DirectoryEvent.Kind, member: DirectoryMember? = nil, group: DirectoryEvent.Group? = nil,
    changes: [String: DirectoryEvent.AttributeChange]? = nil, reason: DirectoryEvent.RevocationReason? = nil,
    seats: WorkspaceAlert.Seats? = nil, because cause: Cause
  ) {
    let others = [group?.id.resource, member?.id.resource].compactMap { $0 }.filter { $0 != cause.event.resource }
    let workspace = cause.event.workspace
    let sequence = directory.nextSequence(of: workspace)
    published.append(
      PublishedEvent(
        event: DirectoryEvent(
          workspace: workspace, id: ([cause.event.identity, type.rawValue] + others.map(\.description)).joined(separator: "/"),
          type: type, sequence: sequence, member: member, group: group, changes: changes, reason: reason,
          seats: seats, changedAt: cause.changedAt),
        traceparent: cause.traceparent))
  }
}

extension WorkspaceAlert {
  /// The id of the event for the product.
  var publishedID: String { "\(IdentityEvent.workspaceAlert(self).identity)/\(kind.directoryEvent.rawValue)" }
}

extension WorkspaceAlert.Kind {
  /// The type of the event for the product.
  var directoryEvent: DirectoryEvent.Kind {
    switch self {
    case .seatsWarning: .workspaceSeatsWarning
    case .seatsExhausted: .workspaceSeatsExhausted
    case .noActiveAdmin: .workspaceNoActiveAdmin
    }
  }
}
