import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM
import SCIMStorage

extension ResourceQuery {
  /// Validates a search request against the schemas of the caller's workspace.
  ///
  /// - Parameter projections: the requested attributes of each kind to search.
  /// - Throws: 400 that names the invalid part of the query.
  init(
    _ request: SearchRequest, of projections: [(kind: ResourceKind, projection: Projection)], for caller: Caller, base: BaseURL,
    cursors: CursorSeal, at now: Date
  ) throws {
    let filter = try request.filter.map { text throws(SCIMError) in try Filter(parsing: text) }
    var sources: [Source] = []
    for (kind, projection) in projections {
      let schema = kind.schema(in: caller.schemas)
      sources.append(
        Source(
          kind: kind, filter: try filter.map { filter throws(SCIMError) in try filter.typed(for: schema) },
          sortBy: try request.sortBy.flatMap { name throws(SCIMError) in try schema.sortAttribute(name) },
          withRows: projection.includes(kind.rowAttribute)))
    }
    if let sortBy = request.sortBy, sources.allSatisfy({ $0.sortBy == nil }) {
      throw APIError(
        400, .invalidPath, "sortBy is '\(SecretText.shown(sortBy).prefix(200))', an attribute that the requested resources do not have.")
    }
    let ascending = try Self.isAscending(request.sortOrder)
    guard let text = request.cursor else {
      self.init(
        sources: sources, ascending: ascending, part: .page(Page(startIndex: request.startIndex, count: request.count)), base: base)
      return
    }
    guard request.startIndex == nil else {
      throw APIError(400, .invalidValue, "startIndex and cursor cannot be used together; remove one of them.")
    }
    let count = request.count ?? Page.defaultCount
    guard (1...Page.maximumCount).contains(count) else { throw APIError.invalidCount("\(count)") }
    let cursor = text.isEmpty ? nil : try cursors.cursor(text, for: request.list(of: sources), in: caller.workspace, at: now)
    self.init(
      sources: sources, ascending: ascending, part: .from(cursor?.place, count: count), knownTotal: cursor?.total, base: base)
  }

  private static func isAscending(_ order: String?) throws(APIError) -> Bool {
    switch order?.lowercased() {
    case nil, "ascending": true
    case "descending": false
    default: throw APIError(400, .invalidValue, "sortOrder must be ascending or descending, found '\(order?.prefix(50) ?? "")'.")
    }
  }
}

extension SearchRequest {
  /// The identity of a list: equal for all pages of the same query. Cursors are bound to it.
  func list(of sources: [ResourceQuery.Source]) -> String {
    let parts = [
      sources.map(\.kind.rawValue).joined(separator: ","), filter ?? "", sortBy?.lowercased() ?? "", sortOrder?.lowercased() ?? "ascending",
    ]
    return parts.map { "\($0.utf8.count):\($0)" }.joined()
  }
}

extension ResourceKind {
  /// The schema of this kind of resource.
  func schema(in schemas: ResourceSchemas) -> ResourceSchema {
    switch self {
    case .user: schemas.user
    case .group: schemas.group
    }
  }
}
