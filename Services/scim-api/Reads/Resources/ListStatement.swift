import EdgeHTTP
import Models
import Postgres
import SCIM
import SCIMStorage

/// The SQL statement of a list query, with its parameters.
///
/// Frequent queries (all resources, or one indexed lookup) have a fixed text and are prepared once per connection. Any other query is
/// parsed for one use, so the number of prepared statements is bounded.
///
/// Columns: the total, if it is counted; kind, sort key, id, version, modified_at, document, ids, names, and whether another row followed
/// before the page was cut at ``ListResponse/maximumBytes``. A page after the end of an indexed list is one row with the total alone.
struct ListStatement {
  let statement: Statement
  let parameters: [PostgresValue]
  /// Whether the first column is the total.
  let isCounted: Bool

  init(_ query: ResourceQuery, in workspace: WorkspaceID) {
    var parameters = BoundParameters([.uuid(workspace.uuid)])
    var sources: [ListSource] = []
    for source in query.sources { sources.append(ListSource(source, base: query.base, in: workspace, &parameters)) }
    sources.alignKeys()
    let sql: String
    switch query.part {
    case .page(let page):
      sql = Self.page(page, of: sources, query, &parameters)
      isCounted = true
    case .from(let place, let count):
      sql = Self.part(from: place, count: count, of: sources, query, &parameters)
      isCounted = place == nil
    }
    self.parameters = parameters.values
    let text = Self.limited(sql, isCounted: isCounted)
    let name = Self.preparedName(of: query)
    statement = name.map { Statement($0, text) } ?? Statement(once: "scim_api_query", text)
  }

  /// The columns of a resource `p`.
  private static let columns = "p.kind, p.key, p.id, p.version, p.modified_at, p.document, p.ids, p.names"
  /// The columns of the result: the key as text, and the total size of the resources before this one, in bytes, in the window `w`.
  private static let resultColumns = """
    p.kind, p.key::text as key, p.id, p.version, p.modified_at, p.document, p.ids, p.names,
    coalesce(sum(\(size)) over w, 0) as bytes_before, lead(true) over w as has_next
    """

  /// The clauses that order the result.
  private static func ordered(_ order: String) -> String {
    """
    window w as (order by \(order.prefixed("p")) rows between unbounded preceding and 1 preceding)
    order by \(order.prefixed("p"))
    """
  }

  /// The approximate size of a resource `p` in a response, in bytes.
  private static let size = """
    octet_length(p.document) + coalesce(octet_length(array_to_string(p.names, '')), 0) + 200 * coalesce(cardinality(p.ids), 0)
    """

  /// Limits the rows of `sql` to the maximum size of a response. The first row is always included.
  private static func limited(_ sql: String, isCounted: Bool) -> String {
    """
    select \(isCounted ? "c.total, " : "")c.kind, c.key, c.id, c.version, c.modified_at, c.document, c.ids, c.names, c.has_next
    from (
      \(sql)
    ) c
    where c.bytes_before < \(ListResponse.maximumBytes)
    """
  }

  // MARK: - Pages by position

  private static func page(
    _ page: Page, of sources: [ListSource], _ query: ResourceQuery, _ parameters: inout BoundParameters
  ) -> String {
    let offset = parameters.bind(.int(Int64(page.offset)))
    let limit = parameters.bind(.int(Int64(page.count)))
    let order = order(sources, ascending: query.ascending)
    if sources.count == 1, !query.isSorted, sources[0].isIndexed {
      // Two index lookups are cheaper than materializing the matches.
      return """
        select t.total, \(resultColumns)
        from (\(total(of: sources))) t
        left join lateral (
          \(sources[0].resources(and: "", order: order, limit: limit, offset: offset))
        ) p on true
        \(ordered(order))
        """
    }
    return """
      with matching as materialized (
        \(sources.map { $0.keys }.joined(separator: "\nunion all\n"))
      ), page as (
        select kind, key, id
        from matching
        order by \(order)
        offset \(offset)
        limit \(limit)
      )
      select t.total, \(resultColumns)
      from (select count(*) as total from matching) t
      left join lateral (
        \(sources.map { $0.resources(in: "page") }.joined(separator: "\nunion all\n"))
      ) p on true
      \(ordered(order))
      """
  }

  /// A query for the total number of matches.
  private static func total(of sources: [ListSource]) -> String {
    "select \(sources.map(\.count).joined(separator: " + ")) as total"
  }

  // MARK: - Pages by cursor

  private static func part(
    from place: CursorPosition?, count: Int, of sources: [ListSource], _ query: ResourceQuery, _ parameters: inout BoundParameters
  ) -> String {
    let limit = parameters.bind(.int(Int64(count) + 1))
    // Reading backward is reading forward in the opposite order.
    let ascending = query.ascending == (place?.isForward ?? true)
    let order = order(sources, ascending: ascending)
    let key = place?.key.map { parameters.bind(.text($0)) }
    let id = place.map { parameters.bind(.uuid($0.id.uuid)) }
    let parts = sources.map { source in
      let condition = place.map { source.condition(after: $0, key: key, id: id ?? "null", ascending: ascending) } ?? "true"
      return "(\(source.resources(and: "and \(condition)", order: order, limit: limit)))"
    }
    func resources(_ columns: String, _ ordered: String) -> String {
      """
      select \(columns)
      from (
        \(parts.joined(separator: "\nunion all\n"))
      ) p
      \(ordered)
      limit \(limit)
      """
    }
    guard place == nil else { return resources(resultColumns, ordered(order)) }
    return """
      select t.total, \(resultColumns)
      from (\(total(of: sources))) t
      left join lateral (
        \(resources(columns, "order by \(order.prefixed("p"))"))
      ) p on true
      \(ordered(order))
      """
  }

  /// The order of the list. Resources without a value come last in ascending order and first in descending order (RFC 7644 §3.4.2.3), as
  /// in PostgreSQL by default.
  private static func order(_ sources: [ListSource], ascending: Bool) -> String {
    let names = sources.count > 1 ? ["key", "kind", "id"] : ["key", "id"]
    let columns = sources.contains { $0.key != nil } ? names : Array(names.dropFirst())
    return columns.map { ascending ? $0 : "\($0) desc" }.joined(separator: ", ")
  }
}

extension ListStatement {
  /// The name of the prepared statement; nil if the text of the query is not one of a fixed set.
  private static func preparedName(of query: ResourceQuery) -> String? {
    guard query.sources.count == 1, let source = query.sources.first, source.sortBy == nil, query.ascending else { return nil }
    var name = "scim_api_\(source.kind.table)_list"
    if let filter = source.filter {
      guard let term = filter.indexedTerm else { return nil }
      name += "_\(term)"
    }
    switch query.part {
    case .page: break
    case .from(nil, _): name += "_first"
    case .from(let place?, _): name += place.isForward ? "_next" : "_previous"
    }
    return source.withRows ? name + "_rows" : name
  }
}

extension TypedFilter {
  /// The name of a filter that is one indexed lookup; nil for other filters. Only the parameter differs between filters of one name.
  var indexedTerm: String? {
    switch expression {
    case .comparison(let attribute, let comparison) where attribute.schemaExtension == nil && comparison.order == .equal:
      switch (attribute.path, comparison.operand) {
      // A malformed id compiles to another text, without a comparison.
      case ("id", .string(let text)), ("members.value", .string(let text)), ("groups.value", .string(let text)):
        ResourceID(text)?.description == text ? attribute.path : nil
      case ("displayName", .string(let text)), ("emails.value", .string(let text)): text.isEmpty ? nil : attribute.path
      case ("userName", _), ("externalId", _): attribute.path
      default: nil
      }
    case .value(let attribute, .and(let operands)) where attribute.path == "emails" && operands.count == 2:
      if case .comparison(let type, let first) = operands[0], case .comparison(let value, let second) = operands[1],
        type.path == "emails.type", value.path == "emails.value", first.order == .equal, second.order == .equal,
        second.operand != .string("")
      {
        "emails_type_value"
      } else {
        nil
      }
    default: nil
    }
  }
}

extension String {
  /// Prefixes each column of an `order by` list with a table alias.
  fileprivate func prefixed(_ alias: String) -> String {
    split(separator: ",").map { "\(alias).\($0.drop { $0 == " " })" }.joined(separator: ", ")
  }
}
