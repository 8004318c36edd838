import Foundation
import Models

/// A row of identity.held_changes: what of a change waits for approval, or waited.
struct HeldChangeRecord: Sendable, Equatable {
  var id: HeldChangeID
  /// The user or group that it is of.
  var resource: ResourceKey
  var kind: HeldChangeKind
  var name: String?
  /// How many members the group had; nil for a user.
  var members: Int?
  /// The members who would leave the group.
  var leaving: [UserID]
  var requestedBy: String
  var heldAt: Date
  /// When the identity provider last asked for it.
  var askedAt: Date
  var status: Status = .pending
  var decidedBy: String?
  var decidedAt: Date?
  /// Whether it counts for what comes next; of one resource one does at most.
  var isStanding = true

  var key: ResourceKey { ResourceKey(workspace: resource.workspace, id: id.resource) }

  enum Status: String, Sendable {
    case pending, approved, rejected
    /// The identity provider has sent something else since.
    case superseded
  }
}
