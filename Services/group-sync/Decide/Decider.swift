import Foundation
import Models

/// Decides events one after the other against a part of the directory. Pure: the time is that of the events.
///
/// An event that is not newer than what the directory holds changes nothing, so that each may come any number of times. Events of
/// people and of groups may come in any order: a membership waits for the person to be known and active.
struct Decider: Sendable {
  var directory: Directory
  /// What the product is to be told, in order.
  private(set) var told: [PublishedEvent] = []
  /// What was taken away from whom, in order.
  var receipts: [DeprovisionReceipt] = []

  /// An event for the product.
  struct PublishedEvent: Sendable, Equatable {
    /// The same for the same change, however often it is decided.
    var id: String
    var event: DirectoryEvent
    var traceparent: String?
  }

  init(_ directory: Directory) {
    self.directory = directory
  }

  mutating func decide(_ event: IdentityEvent, traceparent: String? = nil) {
    switch event {
    case .userChanged(let change):
      take(change, Cause(event: event, changedAt: change.changedAt, traceparent: traceparent))
    case .groupChanged(let change):
      take(change, Cause(event: event, changedAt: change.changedAt, traceparent: traceparent))
    case .workspaceChanged, .signInRefused, .changeHeld, .invitationOrdered:
      break
    }
  }

  /// Why the product is told something.
  struct Cause: Sendable {
    var event: IdentityEvent
    var changedAt: Date
    var traceparent: String?
  }

  /// Tells the product of a change of `member`, of `group`, or of the one being in the other.
  mutating func tell(
    _ change: DirectoryEvent.Change, member: Member? = nil, group: Group? = nil, reason: DirectoryEvent.RevocationReason? = nil,
    because cause: Cause
  ) {
    let profile = member?.presence.content
    let others = [group?.key.id.resource, member?.key.id.resource].compactMap { $0 }.filter { $0 != cause.event.resource }
    told.append(
      PublishedEvent(
        id: ([cause.event.identity, change.rawValue] + others.map(\.description)).joined(separator: "/"),
        event: DirectoryEvent(
          workspace: cause.event.workspace, change: change, member: member?.key.id, group: group?.key.id,
          displayName: group?.presence.content, email: profile?.email, role: profile?.role, reason: reason,
          memberVersion: member?.version, groupVersion: group?.position.version, changedAt: cause.changedAt),
        traceparent: cause.traceparent))
  }
}
