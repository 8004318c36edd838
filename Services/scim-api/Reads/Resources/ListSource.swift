import EdgeHTTP
import Models
import Postgres
import SCIM
import SCIMStorage

/// The resources of one kind that meet a query's filter, as the parts of a statement; `$1` is the workspace.
struct ListSource {
  let kind: ResourceKind
  private(set) var key: SortKey?
  private let condition: String?
  private let withRows: Bool
  private let needsDocument: Bool
  /// Whether what it finds is found by index: all resources in the order of their ids, or those of one look-up.
  let isNarrow: Bool

  init(_ source: ResourceQuery.Source, base: BaseURL, in workspace: WorkspaceID, _ parameters: inout BoundParameters) {
    kind = source.kind
    withRows = source.withRows
    // What an address is found by are ids, and sorting by id a plan might rather go through them all.
    isNarrow = source.filter.map { filter in filter.indexedTerm.map { !$0.hasPrefix("emails") } ?? false } ?? true
    var compiler = FilterCompiler(kind, baseURL: base.text, in: workspace, parameters: parameters)
    condition = source.filter.map { compiler.condition($0.expression) }
    parameters = compiler.parameters
    key = source.sortBy.map { SortKey($0, of: StoredKind(source.kind, baseURL: base.text), &parameters) }
    needsDocument = compiler.needsDocument || key?.needsDocument == true
  }

  fileprivate mutating func alignKey(_ type: String?, isMixed: Bool) {
    if key == nil { key = type.map(SortKey.absent) }
    if isMixed { key = key?.collated }
  }

  /// Of several kinds users come first.
  private var ordinal: Int { kind == .user ? 0 : 1 }

  private var keySQL: String { key?.sql ?? "null::text" }

  /// The tables and the condition. The document is parsed once for each resource, and not before cheaper conditions hold.
  private var body: String {
    """
    from identity_read.\(kind.table) r
    \(needsDocument ? "cross join lateral (select (r.document || '}}')::jsonb as body offset 0) d" : "")
    where r.workspace_id = $1
    \(condition.map { "and \($0)" } ?? "")
    """
  }

  /// A number. Where there is no condition it is that of all resources of the kind.
  var count: String {
    guard condition != nil else { return "(\(Self.countAll(kind)))" }
    return "(select count(*) \(body))"
  }

  /// How many resources of a kind the workspace has: a number that is kept, so that it costs the same in a workspace of a million.
  private static func countAll(_ kind: ResourceKind) -> String {
    "coalesce((select t.total from identity_read.totals t where t.workspace_id = $1 and t.type = '\(kind.rawValue)'), 0)"
  }

  /// All that are found: kind, key, id.
  var keys: String { "select \(ordinal) as kind, \(keySQL) as key, r.id \(body)" }

  /// Those whose kind and id a table has, with its key.
  func resources(in table: String) -> String {
    """
    select p.kind, p.key, p.id, p.version, p.modified_at, p.document, \(rowColumns)
    from (
      select t.kind, t.key, r.id, r.version, r.modified_at, r.document, r.workspace_id
      from \(table) t
      join identity_read.\(kind.table) r on r.workspace_id = $1 and r.id = t.id
      where t.kind = \(ordinal)
    ) p
    \(rowTables)
    """
  }

  /// So many of those found.
  ///
  /// - Parameters:
  ///   - behind: A condition on top of the filter, with `and` before it.
  func resources(behind: String, order: String, limit: String, offset: String? = nil) -> String {
    """
    select p.kind, p.key, p.id, p.version, p.modified_at, p.document, \(rowColumns)
    from (
      \(chosen(behind: behind, order: orderColumns(order), limit: limit, offset: offset))
    ) p
    \(rowTables)
    """
  }

  private func chosen(behind: String, order: String, limit: String, offset: String?) -> String {
    let columns = "\(ordinal) as kind, \(keySQL) as key, r.id, r.version, r.modified_at, r.document, r.workspace_id"
    let found = """
      \(body)
      \(behind)
      order by \(order)
      \(offset.map { "offset \($0)" } ?? "")
      limit \(limit)
      """
    guard offset != nil, condition == nil, key == nil else { return "select \(columns)\n\(found)" }
    // What is passed over is passed over in the index alone.
    return """
      select \(columns)
      from (select r.id \(found)) f
      join identity_read.\(kind.table) r on r.workspace_id = $1 and r.id = f.id
      """
  }

  private var rowColumns: String { withRows ? "e.ids, e.names" : "null::uuid[] as ids, null::text[] as names" }
  private var rowTables: String { withRows ? kind.rowArrays : "" }

  /// By the columns themselves, which have indexes.
  private func orderColumns(_ order: String) -> String {
    order.split(separator: ",").compactMap { term -> String? in
      let words = term.split(separator: " ")
      let direction = words.count > 1 ? " desc" : ""
      return switch words[0] {
      case "key": keySQL + direction
      case "id": "r.id" + direction
      default: nil
      }
    }.joined(separator: ", ")
  }

  /// That a resource comes behind a place in the order of key, kind and id.
  ///
  /// - Parameters:
  ///   - key: The parameter with the place's key; nil where it has none.
  ///   - id: The parameter with the place's id.
  func condition(behind place: Place, key parameter: String?, id: String, ascending: Bool) -> String {
    let sign = ascending ? ">" : "<"
    let placeOrdinal = place.kind == .user ? 0 : 1
    let isBehindByKind = ascending ? ordinal > placeOrdinal : ordinal < placeOrdinal
    let tie = ordinal == placeOrdinal ? "r.id \(sign) \(id)" : isBehindByKind ? "true" : "false"
    guard let key else { return tie }
    let value = parameter.map { "\($0)::\(key.type)" }
    guard let value else {
      // Without a value: last if ascending, first if not.
      return ascending ? "(\(key.sql) is null and \(tie))" : "(\(key.sql) is not null or \(tie))"
    }
    if key.isAlwaysThere, ordinal == placeOrdinal { return "((\(key.sql), r.id) \(sign) (\(value), \(id)))" }
    let further = "\(key.sql) \(sign) \(value) or (\(key.sql) = \(value) and \(tie))"
    return ascending ? "(\(further) or \(key.sql) is null)" : "(\(further))"
  }
}

extension [ListSource] {
  /// Gives those that lack the sort key one of the others' type.
  mutating func alignKeys() {
    let type = lazy.compactMap(\.key?.type).first
    for index in indices { self[index].alignKey(type, isMixed: count > 1) }
  }
}
