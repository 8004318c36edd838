import EdgeHTTP
import Models
import SCIM
import SCIMStorage

/// A validated query for a list of resources (RFC 7644 §3.4.2).
package struct ResourceQuery: Sendable {
  /// The resources of one kind that the query searches.
  package struct Source: Sendable {
    /// The kind of resource.
    package var kind: ResourceKind
    /// The filter; nil for all resources of the kind.
    package var filter: TypedFilter?
    /// The sort attribute; nil if the query has none, or if this kind does not have the attribute.
    package var sortBy: FilterAttribute?
    /// Whether to read the attribute that is stored as rows too.
    package var withRows: Bool

    /// - Parameters:
    ///   - filter: the filter; nil for all resources of the kind.
    ///   - sortBy: the sort attribute; nil to sort by id.
    ///   - withRows: whether to read the attribute that is stored as rows too.
    package init(kind: ResourceKind, filter: TypedFilter? = nil, sortBy: FilterAttribute? = nil, withRows: Bool) {
      self.kind = kind
      self.filter = filter
      self.sortBy = sortBy
      self.withRows = withRows
    }
  }

  /// The requested part of the list.
  package enum Part: Sendable, Equatable {
    /// A page by position (RFC 7644 §3.4.2.4).
    case page(Page)
    /// `count` resources after or before the position of a cursor (RFC 9865); nil for the first page.
    case from(CursorPosition?, count: Int)
  }

  /// The resources to search, one source for each kind.
  package var sources: [Source]
  /// Whether the order is ascending. Resources with equal sort keys are ordered by kind and id.
  package var ascending = true
  /// The requested part of the list.
  package var part: Part
  /// The total at the first page of a list by cursor; nil for the first page itself.
  package var knownTotal: Int?
  /// The base URL of `meta.location` and `$ref`, which depends on the host of the request.
  package var base: BaseURL

  /// - Parameters:
  ///   - sources: the resources to search, one source for each kind.
  ///   - knownTotal: the total at the first page of a list by cursor; nil for the first page itself.
  ///   - base: the base URL of `meta.location` and `$ref`.
  package init(sources: [Source], ascending: Bool = true, part: Part, knownTotal: Int? = nil, base: BaseURL) {
    self.sources = sources
    self.ascending = ascending
    self.part = part
    self.knownTotal = knownTotal
    self.base = base
  }

  /// Whether the list is sorted by an attribute other than the id.
  var isSorted: Bool { sources.contains { $0.sortBy != nil } }
}

extension ResourceQuery {
  /// The comparison key of a userName and the requested page, if the query is a plain lookup of one user by name; nil otherwise.
  package var userNameLookup: (name: String, page: Page)? {
    guard sources.count == 1, sources[0].kind == .user, sources[0].sortBy == nil, case .page(let page) = part,
      case .comparison(let attribute, let comparison)? = sources[0].filter?.expression, attribute.path == "userName",
      comparison.order == .equal, case .string(let name) = comparison.operand
    else { return nil }
    return (name, page)
  }
}

/// A page of a list, from one snapshot.
package struct FoundResources: Sendable, Equatable {
  /// The total number of matches; nil for the later pages of a list by cursor, which are not counted again.
  package var total: Int?
  /// The resources of the page.
  package var resources: [ListedResource]
  /// The position at which the next page starts; nil at the end of the list.
  package var next: CursorPosition?
  /// The position at which the previous page ends; nil at the beginning of the list.
  package var previous: CursorPosition?

  /// - Parameters:
  ///   - total: the total number of matches; nil if they were not counted.
  ///   - next: the position of the next page; nil at the end of the list.
  ///   - previous: the position of the previous page; nil at the beginning of the list.
  package init(total: Int? = nil, resources: [ListedResource], next: CursorPosition? = nil, previous: CursorPosition? = nil) {
    self.total = total
    self.resources = resources
    self.next = next
    self.previous = previous
  }
}

/// A resource with its position in a list.
package struct ListedResource: Sendable, Equatable {
  /// The kind of resource.
  package var kind: ResourceKind
  /// The resource.
  package var found: FoundResource
  /// The sort key as text, see ``CursorPosition/key``; nil if the list is not sorted or the resource has no value.
  package var key: String?

  /// - Parameter key: the sort key as text; nil if the list is not sorted or the resource has no value.
  package init(kind: ResourceKind, found: FoundResource, key: String? = nil) {
    self.kind = kind
    self.found = found
    self.key = key
  }

  /// The position in the list.
  package var place: CursorPosition { CursorPosition(key: key, kind: kind, id: found.resource.id) }
}

extension FoundResources {
  /// Creates the page that was read from `place`.
  ///
  /// - Parameters:
  ///   - resources: the resources in the order in which they were read: one more than `count` if there are more.
  ///   - isCut: whether further resources were left out because the response would have been too large.
  init(total: Int?, read resources: [ListedResource], from place: CursorPosition?, count: Int, isCut: Bool = false) {
    let isForward = place?.isForward ?? true
    let hasMore = resources.count > count || isCut
    let part = Array(isForward ? resources.prefix(count) : resources.prefix(count).reversed()[...])
    self.total = total
    self.resources = part
    let isAtStart = isForward ? place == nil : !hasMore
    let isAtEnd = isForward && !hasMore
    previous = isAtStart ? nil : part.first?.place.going(forward: false) ?? place?.going(forward: false)
    next = isAtEnd ? nil : part.last?.place ?? place?.going(forward: true)
  }
}
