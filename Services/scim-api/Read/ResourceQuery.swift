import Models
import SCIM
import SCIMStorage

/// A query whose every part has been understood and checked (RFC 7644 §3.4.2).
struct ResourceQuery: Sendable {
  /// The resources of one kind that are asked for.
  struct Source: Sendable {
    var kind: ResourceKind
    /// nil: all of them.
    var filter: TypedFilter?
    /// What they are sorted by; nil where the query names nothing, or nothing that this kind has.
    var sortBy: FilterAttribute?
    /// Whether the attribute that is kept as rows is read as well.
    var withRows: Bool
  }

  /// Which part of the list is asked for.
  enum Part: Sendable, Equatable {
    case page(Page)
    /// So many resources behind, or before, a place; nil for the first.
    case from(Place?, count: Int)
  }

  /// One for each kind that is searched.
  var sources: [Source]
  /// Whether the smallest comes first; what is equal goes by kind and id.
  var ascending = true
  var part: Part
  /// How many resources there were when the list was begun; nil where it is being begun.
  var countedBefore: Int?
  /// For what depends on the host that was called: `meta.location` and `$ref`.
  var base: BaseURL

  /// Whether an attribute other than the id gives the order.
  var isSorted: Bool { sources.contains { $0.sortBy != nil } }
}

extension ResourceQuery {
  /// The comparison key of the userName that is looked up, and the page that is asked for, where the query is such a look-up and no more.
  var soughtName: (name: String, page: Page)? {
    guard sources.count == 1, sources[0].kind == .user, sources[0].sortBy == nil, case .page(let page) = part,
      case .comparison(let attribute, let comparison)? = sources[0].filter?.expression, attribute.path == "userName",
      comparison.order == .equal, case .string(let name) = comparison.operand
    else { return nil }
    return (name, page)
  }
}

/// Between two resources of an ordered list: behind this one or, going back, before it.
struct Place: Sendable, Hashable {
  /// The value that the resource is sorted by, as PostgreSQL writes it; nil where it has none or nothing is sorted by.
  var key: String?
  var kind: ResourceKind
  var id: ResourceID
  /// Whether the list is read on from here, or back.
  var isForward = true

  func going(forward: Bool) -> Place {
    var place = self
    place.isForward = forward
    return place
  }
}

/// A part of a list as it was at one moment.
struct FoundResources: Sendable, Equatable {
  /// How many there are in all; nil where the list is read on from a place, and was counted at its beginning.
  var total: Int?
  var resources: [ListedResource]
  /// Where the list goes on behind these and before them; nil where there is nothing.
  var next: Place?
  var previous: Place?
}

/// A resource with its place in a list.
struct ListedResource: Sendable, Equatable {
  var kind: ResourceKind
  var found: FoundResource
  /// See ``Place/key``.
  var key: String?

  var place: Place { Place(key: key, kind: kind, id: found.resource.id) }
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
