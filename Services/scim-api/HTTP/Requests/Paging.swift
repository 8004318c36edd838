import Models
import SCIMStorage

/// A page of a list by index (RFC 7644 §3.4.2.4).
package struct Page: Sendable, Equatable {
  /// The position of the first resource, from 1.
  package var startIndex: Int
  /// The maximum number of resources; 0 requests the total alone.
  package var count: Int

  /// The default page size.
  package static let defaultCount = 100
  /// The largest page size.
  package static let maximumCount = 200

  /// The page for the parameters of a request: a `startIndex` below 1 counts as 1, and `count` is clamped to 0…``maximumCount``.
  package init(startIndex: Int?, count: Int?) {
    self.startIndex = max(1, startIndex ?? 1)
    self.count = min(Self.maximumCount, max(0, count ?? Self.defaultCount))
  }

  /// The number of resources before the page.
  package var offset: Int { startIndex - 1 }
}

/// A position in an ordered list: after a resource or, reading backwards, before it.
package struct CursorPosition: Sendable, Hashable {
  /// The sort value of the resource, as PostgreSQL writes it; nil if it has none or the list is not sorted.
  package var key: String?
  /// The kind of the resource.
  package var kind: ResourceKind
  /// The id of the resource.
  package var id: ResourceID
  /// Whether the list is read forward from here.
  package var isForward: Bool

  /// The position after the resource or, if not `isForward`, before it.
  package init(key: String? = nil, kind: ResourceKind, id: ResourceID, isForward: Bool = true) {
    self.key = key
    self.kind = kind
    self.id = id
    self.isForward = isForward
  }

  /// The same position, with the list read in the given direction.
  package func going(forward: Bool) -> CursorPosition {
    var place = self
    place.isForward = forward
    return place
  }
}
