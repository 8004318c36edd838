import Models
import Postgres
import SCIM

/// Compiles a filter to an SQL condition on the tables of identity-store that selects the same resources.
///
/// `$1` is the workspace. Operands become parameters, so the SQL contains no text of the client. A condition may be null, which counts as
/// false.
package struct FilterCompiler {
  /// The tables of the resource type.
  package let kind: StoredKind
  let workspace: WorkspaceID
  /// The parameters of the statement.
  package private(set) var parameters: BoundParameters
  /// Whether the condition refers to the document, `d.body`.
  package private(set) var needsDocument = false

  /// Creates a compiler.
  ///
  /// - Parameters:
  ///   - kind: The resource type.
  ///   - baseURL: The base URL of `meta.location` and `$ref`, without a trailing slash.
  ///   - workspace: The workspace.
  ///   - parameters: The bound parameters of the statement; `$1` is the workspace.
  package init(_ kind: ResourceKind, baseURL: String, in workspace: WorkspaceID, parameters: BoundParameters) {
    self.kind = StoredKind(kind, baseURL: baseURL)
    self.workspace = workspace
    self.parameters = parameters
  }

  /// The object in which the attributes of an expression are looked up.
  package enum Scope {
    /// The resource.
    case resource
    /// A membership row of the resource.
    case row
    /// A value in the document, as the SQL of a `jsonb` expression.
    case value(String)
  }

  /// Returns the condition of an expression.
  package mutating func condition(_ expression: TypedFilter.Expression, in scope: Scope = .resource) -> String {
    switch expression {
    case .constant(let value): value ? "true" : "false"
    case .and(let operands): join(operands, " and ", scope)
    case .or(let operands): join(operands, " or ", scope)
    case .not(let operand): "(\(condition(operand, in: scope)) is not true)"
    case .present(let attribute): present(attribute, scope)
    case .comparison(let attribute, let comparison): compared(attribute, comparison, scope)
    case .value(let attribute, let inner): value(attribute, inner, scope)
    }
  }

  private mutating func join(_ operands: [TypedFilter.Expression], _ word: String, _ scope: Scope) -> String {
    "(" + operands.map { condition($0, in: scope) }.joined(separator: word) + ")"
  }

  private mutating func stored(_ attribute: FilterAttribute, _ scope: Scope) -> StoredAttribute {
    switch scope {
    case .resource: kind.attribute(attribute, &parameters)
    case .row: kind.rowPart(attribute.subAttribute?.name, &parameters)
    case .value: .document
    }
  }

  // MARK: - Presence

  private mutating func present(_ attribute: FilterAttribute, _ scope: Scope) -> String {
    if attribute.definition.name == "meta", attribute.subAttribute == nil, attribute.schemaExtension == nil { return "true" }
    switch stored(attribute, scope) {
    case .text(let sql, _): return "(\(sql) <> '')"
    case .id, .time, .modification, .truth: return "true"
    case .nowhere: return "false"
    case .rows: return row(attribute) { attribute.subAttribute == nil ? "true" : $0.present(attribute, .row) }
    case .document: return document(attribute, scope) { value in "\(value) not in ('null', '\"\"', '[]', '{}')" }
    }
  }

  // MARK: - Comparison

  private mutating func compared(_ attribute: FilterAttribute, _ comparison: TypedFilter.Comparison, _ scope: Scope) -> String {
    switch (stored(attribute, scope), comparison.operand) {
    case (.text(let sql, let key), .string(let operand)):
      if let key, comparison.order == .equal, !attribute.leaf.isCaseExact { return text(key, .equal, operand) }
      return text(Self.compared(sql, by: comparison.order, of: attribute.leaf), comparison.order, operand)
    case (.id(let sql), .string(let operand)): return id(sql, comparison.order, operand)
    case (.time(let sql), .instant(let operand, _)): return time(sql, comparison.order, operand)
    case (.modification, .instant(let operand, _)): return modified(time("c.modified_at", comparison.order, operand))
    case (.truth(let sql), .bool(let operand)): return operand ? sql : "(not \(sql))"
    case (.rows, _): return row(attribute) { $0.compared(attribute, comparison, .row) }
    case (.document, _):
      let exact = document(attribute, scope) { $0.value($1, compares: comparison, of: attribute.leaf) }
      guard case .resource = scope, let narrowing = narrowing(attribute, comparison) else { return exact }
      return "(\(narrowing) and \(exact))"
    case (.text, _), (.id, _), (.time, _), (.modification, _), (.truth, _), (.nowhere, _): return "false"
    }
  }

  private mutating func text(_ sql: String, _ order: TypedFilter.Comparison.Order, _ operand: String) -> String {
    let parameter = parameters.bind(.text(operand))
    return switch order {
    case .equal: "(\(sql) = \(parameter))"
    case .contains: "(strpos(\(sql), \(parameter)) > 0)"
    case .startsWith: "starts_with(\(sql), \(parameter))"
    case .endsWith: "(right(\(sql), length(\(parameter))) = \(parameter))"
    // By code point, as in memory.
    case .greater: "((\(sql)) collate \"C\" > \(parameter))"
    case .greaterOrEqual: "((\(sql)) collate \"C\" >= \(parameter))"
    case .less: "((\(sql)) collate \"C\" < \(parameter))"
    case .lessOrEqual: "((\(sql)) collate \"C\" <= \(parameter))"
    }
  }

  /// Ids are lower-case and compared with case.
  private mutating func id(_ sql: String, _ order: TypedFilter.Comparison.Order, _ operand: String) -> String {
    guard order == .equal else { return text("(\(sql))::text", order, operand) }
    guard let id = ResourceID(operand), id.description == operand else { return "false" }
    return "(\(sql) = \(parameters.bind(.uuid(id.uuid))))"
  }

  /// Times are stored in microseconds and sent rounded to milliseconds, so each sent value stands for an interval of a millisecond.
  private mutating func time(_ sql: String, _ order: TypedFilter.Comparison.Order, _ operand: Instant) -> String {
    let (whole, isWhole) = (operand.microseconds.flooredToMilliseconds, operand.microseconds % 1000 == 0)
    let first = isWhole ? whole : whole + 1
    switch order {
    case .equal where isWhole:
      return "(\(sql) >= \(bind(firstSentAs: whole)) and \(sql) < \(bind(firstSentAs: whole + 1)))"
    case .greater: return "(\(sql) >= \(bind(firstSentAs: whole + 1)))"
    case .greaterOrEqual: return "(\(sql) >= \(bind(firstSentAs: first)))"
    case .less: return "(\(sql) < \(bind(firstSentAs: first)))"
    case .lessOrEqual: return "(\(sql) < \(bind(firstSentAs: whole + 1)))"
    case .equal, .contains, .startsWith, .endsWith: return "false"
    }
  }

  /// Returns the condition that the resource was modified at a time that satisfies `condition`. The ids are an array, so that no plan reads
  /// all resources.
  private func modified(_ condition: String) -> String {
    "(r.id = any (array(select c.id from \(StoredKind.modifications) c where \(kind.isModification("c")) and \(condition))))"
  }

  private mutating func bind(firstSentAs milliseconds: Int64) -> String {
    parameters.bind(.timestamp(Instant(microseconds: milliseconds * 1000 - 500).date))
  }

  /// Returns the comparison of a `jsonb` scalar.
  private mutating func value(_ sql: String, compares comparison: TypedFilter.Comparison, of leaf: AttributeDefinition) -> String {
    switch comparison.operand {
    case .string(let operand):
      let text = "(\(sql) #>> '{}')"
      let compared = Self.compared(text, by: comparison.order, of: leaf)
      return "(jsonb_typeof(\(sql)) = 'string' and \(self.text(compared, comparison.order, operand)))"
    case .bool(let operand): return "(\(sql) = \(operand ? "'true'" : "'false'"))"
    case .number(_, let lexeme):
      let parameter = parameters.bind(.text(lexeme))
      return "(case when jsonb_typeof(\(sql)) = 'number' then (\(sql))::numeric \(comparison.order.sql) \(parameter)::numeric end)"
    case .instant(_, let lexeme):
      // PostgreSQL parses the text, because PostgresValue has no times after the year 4000.
      let moments =
        "identity_read.instant(\(sql) #>> '{}') \(comparison.order.sql) identity_read.instant(\(parameters.bind(.text(lexeme))))"
      return "(case when jsonb_typeof(\(sql)) = 'string' then \(moments) end)"
    }
  }

  /// Returns a text in the form that the operator compares, like the operands of `TypedFilter`.
  private static func compared(_ sql: String, by order: TypedFilter.Comparison.Order, of leaf: AttributeDefinition) -> String {
    if leaf.isCaseExact { return sql }
    return order == .equal ? "identity_read.comparison_key(\(sql))" : "identity_read.folded(\(sql))"
  }

  // MARK: - Values

  private mutating func value(_ attribute: FilterAttribute, _ inner: TypedFilter.Expression, _ scope: Scope) -> String {
    // The sub-attributes of meta are columns.
    if attribute.definition.name == "meta", attribute.schemaExtension == nil { return condition(inner) }
    if case .rows = stored(attribute, .resource) { return row(attribute) { $0.condition(inner, in: .row) } }
    let exact = document(attribute, scope) { $0.condition(inner, in: .value($1)) }
    guard let narrowing = inner.requirement.flatMap({ narrowing($0.0, $0.1) }) else { return exact }
    return "(\(narrowing) and \(exact))"
  }

  private mutating func row(_ attribute: FilterAttribute, _ condition: (inout FilterCompiler) -> String) -> String {
    "exists (select \(kind.rows) and \(condition(&self)))"
  }

  /// Returns the condition that one of the attribute's values in the document satisfies `condition`.
  private mutating func document(
    _ attribute: FilterAttribute, _ scope: Scope, _ condition: (inout FilterCompiler, String) -> String
  ) -> String {
    let (value, path, alias): (String, String, String)
    switch scope {
    case .value(let enclosing):
      guard let part = attribute.subAttribute else { return condition(&self, enclosing) }
      guard part.isMultiValued else { return condition(&self, "(\(enclosing) -> \(parameters.bind(.text(part.name))))") }
      (value, path, alias) = (enclosing, JSONPath([part.name]).text, "s")
    case .resource, .row:
      needsDocument = true
      (value, path, alias) = ("d.body", JSONPath(attribute).text, "v")
    }
    let parameter = parameters.bind(.text(path))
    return "exists (select from jsonb_path_query(\(value), \(parameter)::jsonpath) as \(alias) where \(condition(&self, alias)))"
  }

  private mutating func document(_ attribute: FilterAttribute, _ scope: Scope, _ condition: (String) -> String) -> String {
    document(attribute, scope) { _, value in condition(value) }
  }

  // MARK: - Indexes

  /// Returns an indexed condition that holds for every resource with this value in its document; nil if there is none.
  private mutating func narrowing(_ attribute: FilterAttribute, _ comparison: TypedFilter.Comparison) -> String? {
    guard kind.kind == .user, attribute.schemaExtension == nil, comparison.order == .equal, case .string(let operand) = comparison.operand,
      !operand.isEmpty
    else { return nil }
    switch (attribute.definition.name, attribute.subAttribute?.name) {
    case ("emails", "value"):
      let key = parameters.bind(.text(operand))
      let other = parameters.bind(.textArray([EmailKey.text(operand, in: workspace)]))
      // Each branch can use one index only, so that missing statistics cannot lead to another plan.
      return """
        (r.id = any (array(
          select k.id from identity_read.users k where k.workspace_id = $1 and k.user_name_key = \(key) and k.email_key = \(key)
          union all
          select k.id from identity_read.users k
          where k.workspace_id = $1 and k.email_key = \(key) and k.email_key is distinct from k.user_name_key
          union all
          select k.id from identity_read.users_by_other_email(\(other)) k (id)
        )))
        """
    case ("displayName", nil):
      // Without a displayName the column has another name, so this can select too many rows. The index has the state before the name. The
      // order and the range instead of `=` make the planner choose this index without statistics, too.
      let key = "left(\(parameters.bind(.text(operand))), 200)"
      return """
        (r.id = any (array(
          select k.id
          from unnest(array['invited', 'active', 'disabled']) s (state)
          cross join lateral (
            select id
            from identity_read.users
            where workspace_id = $1 and state = s.state and name_key >= \(key) and name_key <= \(key)
            order by name_key
            offset 0
          ) k
        )))
        """
    default: return nil
    }
  }
}

extension TypedFilter.Expression {
  /// An equality that the expression implies.
  fileprivate var requirement: (FilterAttribute, TypedFilter.Comparison)? {
    switch self {
    case .comparison(let attribute, let comparison) where comparison.order == .equal && attribute.subAttribute?.name == "value":
      (attribute, comparison)
    case .and(let operands): operands.lazy.compactMap(\.requirement).first
    default: nil
    }
  }
}

extension TypedFilter.Comparison.Order {
  /// The SQL operator for numbers and times.
  fileprivate var sql: String {
    switch self {
    case .equal, .contains, .startsWith, .endsWith: "="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .less: "<"
    case .lessOrEqual: "<="
    }
  }
}

extension Int64 {
  fileprivate var flooredToMilliseconds: Int64 { self >= 0 ? self / 1000 : (self - 999) / 1000 }
}

/// The parameters of a statement.
package struct BoundParameters {
  /// The values, in the order of their numbers.
  package private(set) var values: [PostgresValue]

  /// Creates a list of parameters.
  package init(_ values: [PostgresValue] = []) { self.values = values }

  /// Adds a value and returns its placeholder, such as `$3`.
  package mutating func bind(_ value: PostgresValue) -> String {
    values.append(value)
    return "$\(values.count)"
  }
}
