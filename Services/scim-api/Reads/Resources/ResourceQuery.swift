import EdgeHTTP
import Models
import SCIM
import SCIMStorage

/// A query whose every part has been understood and checked (RFC 7644 §3.4.2).
package struct ResourceQuery: Sendable {
  /// The resources of one kind that are asked for.
  package struct Source: Sendable {
    /// The kind of resource.
    package var kind: ResourceKind
    /// nil: all of them.
    package var filter: TypedFilter?
    /// What they are sorted by; nil where the query names nothing, or nothing that this kind has.
    package var sortBy: FilterAttribute?
    /// Whether the attribute that is kept as rows is read as well.
    package var withRows: Bool

    /// Creates a value with these properties.
    package init(kind: ResourceKind, filter: TypedFilter? = nil, sortBy: FilterAttribute? = nil, withRows: Bool) {
      self.kind = kind
      self.filter = filter
      self.sortBy = sortBy
      self.withRows = withRows
    }
  }

  /// Which part of the list is asked for.
  package enum Part: Sendable, Equatable {
    case page(Page)
    /// So many resources behind, or before, a place; nil for the first.
    case from(Place?, count: Int)
  }

  /// One for each kind that is searched.
  package var sources: [Source]
  /// Whether the smallest comes first; what is equal goes by kind and id.
  package var ascending = true
  /// The requested page.
  package var part: Part
  /// How many resources there were when the list was begun; nil where it is being begun.
  package var countedBefore: Int?
  /// For what depends on the host that was called: `meta.location` and `$ref`.
  package var base: BaseURL

  /// Creates a value with these properties.
  package init(sources: [Source], ascending: Bool = true, part: Part, countedBefore: Int? = nil, base: BaseURL) {
    self.sources = sources
    self.ascending = ascending
    self.part = part
    self.countedBefore = countedBefore
    self.base = base
  }

  /// Whether an attribute other than the id gives the order.
  var isSorted: Bool { sources.contains { $0.sortBy != nil } }
}

extension ResourceQuery {
  /// The comparison key of the userName that is looked up, and the page that is asked for, where the query is such a look-up and no more.
  package var soughtName: (name: String, page: Page)? {
    guard sources.count == 1, sources[0].kind == .user, sources[0].sortBy == nil, case .page(let page) = part,
      case .comparison(let attribute, let comparison)? = sources[0].filter?.expression, attribute.path == "userName",
      comparison.order == .equal, case .string(let name) = comparison.operand
    else { return nil }
    return (name, page)
  }
}

/// A part of a list as it was at one moment.
package struct FoundResources: Sendable, Equatable {
  /// How many there are in all; nil where the list is read on from a place, and was counted at its beginning.
  package var total: Int?
  /// The resources of the page.
  package var resources: [ListedResource]
  /// Where the list goes on behind these and before them; nil where there is nothing.
  package var next: Place?
  /// Where the list goes on before them; nil at its beginning.
  package var previous: Place?

  /// Creates a value with these properties.
  package init(total: Int? = nil, resources: [ListedResource], next: Place? = nil, previous: Place? = nil) {
    self.total = total
    self.resources = resources
    self.next = next
    self.previous = previous
  }
}

/// A resource with its place in a list.
package struct ListedResource: Sendable, Equatable {
  /// The kind of resource.
  package var kind: ResourceKind
  /// The resource.
  package var found: FoundResource
  /// See ``Place/key``.
  package var key: String?

  /// Creates a value with these properties.
  package init(kind: ResourceKind, found: FoundResource, key: String? = nil) {
    self.kind = kind
    self.found = found
    self.key = key
  }

  /// Its position in the list.
  package var place: Place { Place(key: key, kind: kind, id: found.resource.id) }
}

extension FoundResources {
  /// The part of a list that was read from `place`, in the order of the list.
  ///
  /// - Parameters:
  ///   - resources: One more than `count` where there are more, in the order in which they were read.
  ///   - isCut: Whether more of them would have made the answer too large.
  init(total: Int?, read resources: [ListedResource], from place: Place?, count: Int, isCut: Bool = false) {
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
