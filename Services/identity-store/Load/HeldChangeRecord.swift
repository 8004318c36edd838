import Foundation
import Models

/// A row of `identity.held_changes`: a change that waits or waited for approval.
struct HeldChangeRecord: Sendable, Equatable {
  var id: HeldChangeID
  /// The user or group of the change.
  var resource: ResourceKey
  var kind: HeldChangeKind
  var name: String?
  /// The number of members of the group; `nil` for a user.
  var members: Int?
  /// The members who would leave the group.
  var leaving: [UserID]
  /// The open document with the addresses that wait; `nil` unless the kind is ``HeldChangeKind/addressChanged``.
  var document: [UInt8]?
  var requestedBy: String
  var heldAt: Date
  /// When the identity provider last sent the change.
  var lastSentAt: Date
  var status: Status = .pending
  var decidedBy: String?
  var decidedAt: Date?
  /// Whether it is the current held change of its resource, of which there is at most one.
  var isCurrent = true

  var key: ResourceKey { ResourceKey(workspace: resource.workspace, id: id.resource) }

  enum Status: String, Sendable {
    case pending, approved, rejected
    /// The identity provider has sent something else.
    case superseded
  }
}
