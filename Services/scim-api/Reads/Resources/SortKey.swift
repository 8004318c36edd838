import EdgeHTTP
import Models
import Postgres
import SCIM
import SCIMStorage

/// What resources are sorted by (RFC 7644 §3.4.2.3), as SQL: of an attribute with many values the primary one, or else the first.
struct SortKey {
  let sql: String
  let type: String
  /// Whether every resource has it, so that an index can be read from any place on.
  let isAlwaysThere: Bool
  var needsDocument = false

  /// How much of a text is compared; a cursor holds it.
  private static let maximumLength = 200

  /// For a kind that does not have the attribute.
  static func absent(_ type: String) -> SortKey { SortKey(sql: "null::\(type)", type: type, isAlwaysThere: false) }

  /// The same, text by code points, as which keys of several kinds can be compared.
  var collated: SortKey {
    type == "text" ? SortKey(sql: "(\(sql)) collate \"C\"", type: type, isAlwaysThere: isAlwaysThere, needsDocument: needsDocument) : self
  }

  private init(sql: String, type: String, isAlwaysThere: Bool, needsDocument: Bool = false) {
    self.sql = sql
    self.type = type
    self.isAlwaysThere = isAlwaysThere
    self.needsDocument = needsDocument
  }

  init(_ attribute: FilterAttribute, of kind: StoredKind, _ parameters: inout BoundParameters) {
    let leaf = attribute.leaf
    switch kind.attribute(attribute, &parameters) {
    case .text(let sql, let key?): self.init(sql: leaf.isCaseExact ? sql : key, type: "text", isAlwaysThere: true)
    case .text(let sql, nil): self.init(sql: Self.text(sql, leaf), type: "text", isAlwaysThere: false)
    case .id(let sql): self.init(sql: "(\(sql))::text", type: "text", isAlwaysThere: true)
    case .time(let sql): self.init(sql: sql, type: "timestamptz", isAlwaysThere: true)
    case .truth(let sql): self.init(sql: sql, type: "boolean", isAlwaysThere: true)
    case .nowhere: self = .absent("text")
    case .rows:
      let part: String
      switch kind.rowPart(attribute.subAttribute?.name, &parameters) {
      case .text(let sql, _): part = Self.text(sql, leaf)
      case .id(let sql): part = "(\(sql))::text"
      case .time, .truth, .document, .rows, .nowhere: part = "null::text"
      }
      self.init(sql: "(select \(part) \(kind.rows) and \(part) is not null order by o.id limit 1)", type: "text", isAlwaysThere: false)
    case .document:
      let first = "jsonb_path_query_first(d.body, \(parameters.bind(.text(JSONPath(attribute).text)))::jsonpath)"
      let value =
        attribute.definition.isMultiValued
        ? "coalesce(jsonb_path_query_first(d.body, \(parameters.bind(.text(JSONPath(primaryOf: attribute).text)))::jsonpath), \(first))"
        : first
      let (sql, type) = Self.typed(value, leaf)
      self.init(sql: sql, type: type, isAlwaysThere: false, needsDocument: true)
    }
  }

  private static func text(_ sql: String, _ leaf: AttributeDefinition) -> String {
    "nullif(left(\(leaf.isCaseExact ? sql : "identity_read.comparison_key(\(sql))"), \(maximumLength)), '')"
  }

  /// A `jsonb` scalar as what its attribute holds.
  private static func typed(_ value: String, _ leaf: AttributeDefinition) -> (sql: String, type: String) {
    switch leaf.type {
    case .integer, .decimal: ("(case when jsonb_typeof(\(value)) = 'number' then (\(value))::numeric end)", "numeric")
    case .boolean: ("(case when jsonb_typeof(\(value)) = 'boolean' then (\(value))::boolean end)", "boolean")
    case .dateTime: ("identity_read.instant(\(value) #>> '{}')", "timestamptz")
    case .string, .reference, .binary, .complex: (text("(\(value) #>> '{}')", leaf), "text")
    }
  }
}
