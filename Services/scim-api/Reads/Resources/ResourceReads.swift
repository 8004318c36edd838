import EdgeHTTP
import Foundation
import Models
import SCIM
import SCIMStorage

/// The reads of SCIM resources.
package protocol ResourceReads: Sendable {
  /// The current state of a resource; nil if it does not exist.
  ///
  /// - Parameter withRows: whether to read the attribute that is stored as rows too: its first ``FoundResource/maximumRows`` rows.
  func resource(_ kind: ResourceKind, _ id: ResourceID, withRows: Bool, in workspace: WorkspaceID) async throws -> FoundResource?

  /// One page of the list that `query` describes.
  func list(_ query: ResourceQuery, in workspace: WorkspaceID) async throws -> FoundResources

  /// Streams a resource and then all its rows, ordered by id, from one snapshot.
  ///
  /// Rows are read in bounded pages, each when the consumer requests it.
  ///
  /// - Throws: ``ResourceGone`` if the resource does not exist.
  func parts(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) -> AsyncThrowingStream<ResourcePart, any Error>

  /// The tombstone of a deleted resource; nil if it never existed, or if its tombstone has been removed.
  func remains(of kind: ResourceKind, _ id: ResourceID, in workspace: WorkspaceID) async throws -> DeletedResource?
}

/// A stored resource with the rows that were read with it, from one snapshot.
package struct FoundResource: Sendable, Equatable {
  /// The stored resource.
  package var resource: StoredResource
  /// The attribute that is stored as rows: `members` of a group, `groups` of a user. nil if it was not read.
  package var rows: [ReferredResource]?
  /// Whether there are more rows than were read.
  package var hasMoreRows = false

  /// - Parameters:
  ///   - rows: the first rows, ordered by id; nil if they were not read.
  ///   - hasMoreRows: whether there are more rows than `rows`.
  package init(resource: StoredResource, rows: [ReferredResource]? = nil, hasMoreRows: Bool = false) {
    self.resource = resource
    self.rows = rows
    self.hasMoreRows = hasMoreRows
  }

  /// The maximum number of rows that are read and held in memory at once. Resources with more rows are streamed.
  static let maximumRows = 1000
}

/// A part of a resource that is streamed.
package enum ResourcePart: Sendable {
  /// The resource without its rows; the first part.
  case resource(StoredResource)
  /// The next page of rows.
  case rows([ReferredResource])
}

/// The resource was deleted between two reads of one request.
package struct ResourceGone: Error {}

/// A reference to a resource: a user in a group's `members`, or a group in a user's `groups`.
package struct ReferredResource: Sendable, Hashable {
  /// The id.
  package var id: ResourceID
  /// The displayName; nil if it is absent or empty.
  package var display: String?

  /// - Parameter display: the displayName of the resource; nil if it is absent or empty.
  package init(id: ResourceID, display: String? = nil) {
    self.id = id
    self.display = display
  }
}

/// The tombstone of a deleted resource.
package struct DeletedResource: Sendable, Hashable {
  /// When it was deleted.
  package var deletedAt: Date
  /// The user that has the userName of the deleted one now; nil if no user has it.
  package var successor: Successor?

  /// - Parameter successor: the user that has the userName of the deleted one now.
  package init(deletedAt: Date, successor: Successor? = nil) {
    self.deletedAt = deletedAt
    self.successor = successor
  }

  /// An existing user with the userName of a deleted one.
  package struct Successor: Sendable, Hashable {
    /// The id.
    package var id: ResourceID
    /// The userName as the identity provider sent it.
    package var userName: String

    /// - Parameter userName: the userName as the identity provider sent it.
    package init(id: ResourceID, userName: String) {
      self.id = id
      self.userName = userName
    }
  }
}
