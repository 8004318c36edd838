import EdgeHTTP
import Models
import Postgres
import SCIM
import SCIMStorage

/// The sort key of a list as a SQL expression (RFC 7644 §3.4.2.3). For a multi-valued attribute it is the primary value, or else the first.
struct SortKey {
  let sql: String
  let type: String
  /// Whether every resource has a value, so that an index scan can start at any position.
  let isAlwaysPresent: Bool
  var needsDocument = false
  /// Whether the key is the time of the last modification, whose order is that of the index of ``StoredKind/modifications``.
  private(set) var isModification = false

  /// The maximum length of a text key, in characters. Cursors contain the key.
  private static let maximumLength = 200

  /// The key of a kind that does not have the attribute: always null.
  static func absent(_ type: String) -> SortKey { SortKey(sql: "null::\(type)", type: type, isAlwaysPresent: false) }

  /// The same key with text ordered by code point, so that keys of several kinds can be compared.
  var collated: SortKey {
    guard type == "text" else { return self }
    return SortKey(sql: "(\(sql)) collate \"C\"", type: type, isAlwaysPresent: isAlwaysPresent, needsDocument: needsDocument)
  }

  private init(sql: String, type: String, isAlwaysPresent: Bool, needsDocument: Bool = false) {
    self.sql = sql
    self.type = type
    self.isAlwaysPresent = isAlwaysPresent
    self.needsDocument = needsDocument
  }

  init(_ attribute: FilterAttribute, of kind: StoredKind, _ parameters: inout BoundParameters) {
    let leaf = attribute.leaf
    switch kind.attribute(attribute, &parameters) {
    case .text(let sql, let key?): self.init(sql: leaf.isCaseExact ? sql : key, type: "text", isAlwaysPresent: true)
    case .text(let sql, nil): self.init(sql: Self.text(sql, leaf), type: "text", isAlwaysPresent: false)
    case .id(let sql): self.init(sql: "(\(sql))::text", type: "text", isAlwaysPresent: true)
    case .time(let sql): self.init(sql: sql, type: "timestamptz", isAlwaysPresent: true)
    case .modification:
      self.init(sql: "r.modified_at", type: "timestamptz", isAlwaysPresent: true)
      isModification = true
    case .truth(let sql): self.init(sql: sql, type: "boolean", isAlwaysPresent: true)
    case .nowhere: self = .absent("text")
    case .rows:
      let part: String
      switch kind.rowPart(attribute.subAttribute?.name, &parameters) {
      case .text(let sql, _): part = Self.text(sql, leaf)
      case .id(let sql): part = "(\(sql))::text"
      case .time, .modification, .truth, .document, .rows, .nowhere: part = "null::text"
      }
      self.init(sql: "(select \(part) \(kind.rows) and \(part) is not null order by o.id limit 1)", type: "text", isAlwaysPresent: false)
    case .document:
      let first = "jsonb_path_query_first(d.body, \(parameters.bind(.text(JSONPath(attribute).text)))::jsonpath)"
      let value =
        attribute.definition.isMultiValued
        ? "coalesce(jsonb_path_query_first(d.body, \(parameters.bind(.text(JSONPath(primaryOf: attribute).text)))::jsonpath), \(first))"
        : first
      let (sql, type) = Self.typed(value, leaf)
      self.init(sql: sql, type: type, isAlwaysPresent: false, needsDocument: true)
    }
  }

  private static func text(_ sql: String, _ leaf: AttributeDefinition) -> String {
    "nullif(left(\(leaf.isCaseExact ? sql : "identity_read.comparison_key(\(sql))"), \(maximumLength)), '')"
  }

  /// Converts a `jsonb` scalar to the SQL type of its attribute.
  private static func typed(_ value: String, _ leaf: AttributeDefinition) -> (sql: String, type: String) {
    switch leaf.type {
    case .integer, .decimal: ("(case when jsonb_typeof(\(value)) = 'number' then (\(value))::numeric end)", "numeric")
    case .boolean: ("(case when jsonb_typeof(\(value)) = 'boolean' then (\(value))::boolean end)", "boolean")
    case .dateTime: ("identity_read.instant(\(value) #>> '{}')", "timestamptz")
    case .string, .reference, .binary, .complex: (text("(\(value) #>> '{}')", leaf), "text")
    }
  }
}
