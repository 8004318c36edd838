import EdgeHTTP
import Foundation
import Models
import SCIM
import SCIMStorage

/// What is read of the store.
package protocol ResourceReads: Sendable {
  /// The resource as it is now; nil where there is none.
  ///
  /// - Parameter withRows: whether the attribute that is kept as rows is read as well: the first ``FoundResource/maximumRows``.
  func resource(_ kind: ResourceKind, _ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource?

  /// The part of a list that `query` asks for.
  func list(_ query: ResourceQuery, in workspace: WorkspaceID) async throws -> FoundResources

  /// The resource and then all its rows in the order of their ids, a bounded number at a time and all as they were at one moment. The
  /// next are read when they are asked for. ``ResourceGone`` is thrown where there is no such resource.
  func parts(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) -> AsyncThrowingStream<ResourcePart, any Error>

  /// What is left of a deleted resource; nil where there never was one, or nothing is left.
  func remains(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) async throws -> Remains?
}

/// A resource as it was at one moment.
package struct FoundResource: Sendable, Equatable {
  /// The stored resource.
  package var resource: StoredResource
  /// The attribute that is kept as rows: `members` of a group, `groups` of a user. nil where it was not read.
  package var rows: [ReferredResource]?
  /// Whether there are more rows than were read.
  package var hasMoreRows = false

  /// Creates a value with these properties.
  package init(resource: StoredResource, rows: [ReferredResource]? = nil, hasMoreRows: Bool = false) {
    self.resource = resource
    self.rows = rows
    self.hasMoreRows = hasMoreRows
  }

  /// The most rows that are read, and held in memory, at once. An answer with more is written as they are read.
  static let maximumRows = 1000
}

/// A part of a resource that is read piece by piece.
package enum ResourcePart: Sendable {
  case resource(StoredResource)
  case rows([ReferredResource])
}

/// The resource was deleted between two reads of one request.
package struct ResourceGone: Error {}

/// A user as it stands in a group's `members`, a group as it stands in a user's `groups`.
package struct ReferredResource: Sendable, Hashable {
  /// The id.
  package var id: ResourceID
  /// The displayName; nil where there is none, or an empty one.
  package var display: String?

  /// Creates a value with these properties.
  package init(id: ResourceID, display: String? = nil) {
    self.id = id
    self.display = display
  }
}

/// What is left of a deleted resource.
package struct Remains: Sendable, Hashable {
  /// When it was deleted.
  package var deletedAt: Date
  /// A live user that has the userName of the deleted one.
  package var successor: Successor?

  /// Creates a value with these properties.
  package init(deletedAt: Date, successor: Successor? = nil) {
    self.deletedAt = deletedAt
    self.successor = successor
  }

  /// A live user with the same userName.
  package struct Successor: Sendable, Hashable {
    /// The id.
    package var id: ResourceID
    /// The userName as it was sent.
    package var userName: String

    /// Creates a value with these properties.
    package init(id: ResourceID, userName: String) {
      self.id = id
      self.userName = userName
    }
  }
}
