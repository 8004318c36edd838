import EdgeHTTP
import Models
import Postgres
import SCIM
import SCIMStorage

/// The SQL fragments that select the resources of one kind that match a query's filter. `$1` is the workspace.
struct ListSource {
  let kind: ResourceKind
  private(set) var key: SortKey?
  private let condition: String?
  private let withRows: Bool
  private let needsDocument: Bool
  /// Whether an index finds the matches: all resources ordered by id, or those of one lookup.
  let isIndexed: Bool

  init(_ source: ResourceQuery.Source, base: BaseURL, in workspace: WorkspaceID, _ parameters: inout BoundParameters) {
    kind = source.kind
    withRows = source.withRows
    // The indexes of addresses and of users' names yield ids; to sort by id, the planner might scan all users instead.
    isIndexed =
      source.filter.map { filter in
        filter.indexedTerm.map { !$0.hasPrefix("emails") && (source.kind == .group || $0 != "displayName") } ?? false
      } ?? true
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

  /// The order of the kinds in a list of several kinds: users come first.
  private var ordinal: Int { kind == .user ? 0 : 1 }

  private var keySQL: String { isInOrderOfModifications ? "c.modified_at" : key?.sql ?? "null::text" }
  /// The id in the index that has the order.
  private var idSQL: String { isInOrderOfModifications ? "c.id" : "r.id" }

  /// The `from` and `where` clauses. The document is parsed once per resource, after cheaper conditions have matched.
  private var body: String {
    """
    \(tables)
    \(needsDocument ? "cross join lateral (select (r.document || '}}')::jsonb as body offset 0) d" : "")
    where \(isInOrderOfModifications ? isOwnModification : "r.workspace_id = $1")
    \(condition.map { "and \($0)" } ?? "")
    """
  }

  private var tables: String {
    guard isInOrderOfModifications else { return "from identity_read.\(kind.table) r" }
    return """
      from \(StoredKind.modifications) c
      join identity_read.\(kind.table) r on r.workspace_id = c.workspace_id and r.id = c.id
      """
  }

  private var isOwnModification: String { StoredKind(kind, baseURL: "").isModification("c") }

  /// Whether the resources are read in the order of the index of modifications. With a filter, the matches are sorted.
  private var isInOrderOfModifications: Bool { key?.isModification == true && condition == nil }

  /// An expression for the number of matches.
  var count: String {
    guard condition != nil else { return "(\(Self.countAll(kind)))" }
    return "(select count(*) \(body))"
  }

  /// An expression for the number of resources of a kind, from a maintained counter, so the cost does not grow with the workspace.
  static func countAll(_ kind: ResourceKind) -> String {
    let total =
      switch kind {
      case .user: "select t.invited + t.active + t.disabled from identity_read.state_totals t where t.workspace_id = $1"
      case .group: "select t.total from identity_read.totals t where t.workspace_id = $1 and t.type = 'Group'"
      }
    return "coalesce((\(total)), 0)"
  }

  /// A query for all matches, with the columns kind, key and id.
  var keys: String {
    // The index has all that is needed.
    let body = isInOrderOfModifications ? "from \(StoredKind.modifications) c where \(isOwnModification)" : body
    return "select \(ordinal) as kind, \(keySQL) as key, \(idSQL) as id \(body)"
  }

  /// A query for the resources whose kind and id are in `table`, with the key from there.
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

  /// A query for a limited number of matches.
  ///
  /// - Parameter condition: a further condition, which starts with `and`; empty for none.
  func resources(and condition: String, order: String, limit: String, offset: String? = nil) -> String {
    """
    select p.kind, p.key, p.id, p.version, p.modified_at, p.document, \(rowColumns)
    from (
      \(limited(and: condition, order: orderColumns(order), limit: limit, offset: offset))
    ) p
    \(rowTables)
    """
  }

  private func limited(and furtherCondition: String, order: String, limit: String, offset: String?) -> String {
    let columns = "\(ordinal) as kind, \(keySQL) as key, r.id, r.version, r.modified_at, r.document, r.workspace_id"
    let found = """
      \(body)
      \(furtherCondition)
      order by \(order)
      \(offset.map { "offset \($0)" } ?? "")
      limit \(limit)
      """
    guard offset != nil, condition == nil, key == nil else { return "select \(columns)\n\(found)" }
    // Skipped rows are read from the index only.
    return """
      select \(columns)
      from (select r.id \(found)) f
      join identity_read.\(kind.table) r on r.workspace_id = $1 and r.id = f.id
      """
  }

  private var rowColumns: String { withRows ? "e.ids, e.names" : "null::uuid[] as ids, null::text[] as names" }
  private var rowTables: String { withRows ? kind.rowArrays : "" }

  /// The order by the underlying columns, which are indexed.
  private func orderColumns(_ order: String) -> String {
    order.split(separator: ",").compactMap { term -> String? in
      let words = term.split(separator: " ")
      let direction = words.count > 1 ? " desc" : ""
      return switch words[0] {
      case "key": keySQL + direction
      case "id": idSQL + direction
      default: nil
      }
    }.joined(separator: ", ")
  }

  /// A condition that holds for resources after `place` in the order of key, kind and id.
  ///
  /// - Parameters:
  ///   - key: the parameter with the key of `place`; nil if it has none.
  ///   - id: the parameter with the id of `place`.
  func condition(after place: CursorPosition, key parameter: String?, id: String, ascending: Bool) -> String {
    let sign = ascending ? ">" : "<"
    let placeOrdinal = place.kind == .user ? 0 : 1
    let isAfterByKind = ascending ? ordinal > placeOrdinal : ordinal < placeOrdinal
    let tie = ordinal == placeOrdinal ? "\(idSQL) \(sign) \(id)" : isAfterByKind ? "true" : "false"
    guard let key else { return tie }
    let value = parameter.map { "\($0)::\(key.type)" }
    guard let value else {
      // Resources without a value come last in ascending order and first in descending order.
      return ascending ? "(\(keySQL) is null and \(tie))" : "(\(keySQL) is not null or \(tie))"
    }
    if key.isAlwaysPresent, ordinal == placeOrdinal { return "((\(keySQL), \(idSQL)) \(sign) (\(value), \(id)))" }
    let further = "\(keySQL) \(sign) \(value) or (\(keySQL) = \(value) and \(tie))"
    return ascending ? "(\(further) or \(keySQL) is null)" : "(\(further))"
  }
}

extension [ListSource] {
  /// Gives the kinds that lack the sort attribute a null key of the type that the other kinds have.
  mutating func alignKeys() {
    let type = lazy.compactMap(\.key?.type).first
    for index in indices { self[index].alignKey(type, isMixed: count > 1) }
  }
}
