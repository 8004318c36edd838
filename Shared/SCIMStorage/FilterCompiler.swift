import Models
import Postgres
import SCIM

/// Turns a filter into a condition on the store's tables, which holds for the same resources for which the filter does.
///
/// `$1` is the workspace. What the filter compares with becomes parameters; only names that are written here get into the statement. A
/// condition may come to null, which counts as false.
package struct FilterCompiler {
  package let kind: StoredKind
  let workspace: WorkspaceID
  package private(set) var parameters: BoundParameters
  /// Whether the condition speaks of the document, `d.body`.
  package private(set) var needsDocument = false

  /// - Parameters:
  ///   - baseURL: under which `meta.location` and `$ref` are, without a slash at its end.
  ///   - parameters: what the statement has bound already; `$1` is the workspace.
  package init(_ kind: ResourceKind, baseURL: String, in workspace: WorkspaceID, parameters: BoundParameters) {
    self.kind = StoredKind(kind, baseURL: baseURL)
    self.workspace = workspace
    self.parameters = parameters
  }

  /// What an expression's attributes are looked up in.
  package enum Scope {
    case resource
    /// One of the resource's rows.
    case row
    /// A value within the document: the SQL of a `jsonb`.
    case value(String)
  }

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
    case .id, .time, .truth: return "true"
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
    case (.truth(let sql), .bool(let operand)): return operand ? sql : "(not \(sql))"
    case (.rows, _): return row(attribute) { $0.compared(attribute, comparison, .row) }
    case (.document, _):
      let exact = document(attribute, scope) { $0.value($1, compares: comparison, of: attribute.leaf) }
      guard case .resource = scope, let narrowing = narrowing(attribute, comparison) else { return exact }
      return "(\(narrowing) and \(exact))"
    case (.text, _), (.id, _), (.time, _), (.truth, _), (.nowhere, _): return "false"
    }
  }

  private mutating func text(_ sql: String, _ order: TypedFilter.Comparison.Order, _ operand: String) -> String {
    let parameter = parameters.bind(.text(operand))
    return switch order {
    case .equal: "(\(sql) = \(parameter))"
    case .contains: "(strpos(\(sql), \(parameter)) > 0)"
    case .startsWith: "starts_with(\(sql), \(parameter))"
    case .endsWith: "(right(\(sql), length(\(parameter))) = \(parameter))"
    // By code point, as the filter compares in memory.
    case .greater: "((\(sql)) collate \"C\" > \(parameter))"
    case .greaterOrEqual: "((\(sql)) collate \"C\" >= \(parameter))"
    case .less: "((\(sql)) collate \"C\" < \(parameter))"
    case .lessOrEqual: "((\(sql)) collate \"C\" <= \(parameter))"
    }
  }

  /// An id is compared with case, and sent in lower case.
  private mutating func id(_ sql: String, _ order: TypedFilter.Comparison.Order, _ operand: String) -> String {
    guard order == .equal else { return text("(\(sql))::text", order, operand) }
    guard let id = ResourceID(operand), id.description == operand else { return "false" }
    return "(\(sql) = \(parameters.bind(.uuid(id.uuid))))"
  }

  /// Times are stored to the microsecond and sent rounded to the millisecond: those from half a millisecond before it to half of one
  /// behind it are sent as the same.
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

  private mutating func bind(firstSentAs milliseconds: Int64) -> String {
    parameters.bind(.timestamp(Instant(microseconds: milliseconds * 1000 - 500).date))
  }

  /// Whether a `jsonb` scalar compares so.
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
      // Read by the same rules: PostgresValue has no moments beyond the year 4000.
      let moments =
        "identity_read.instant(\(sql) #>> '{}') \(comparison.order.sql) identity_read.instant(\(parameters.bind(.text(lexeme))))"
      return "(case when jsonb_typeof(\(sql)) = 'string' then \(moments) end)"
    }
  }

  /// A text in the form in which the operator compares it, as `TypedFilter` has its operands.
  private static func compared(_ sql: String, by order: TypedFilter.Comparison.Order, of leaf: AttributeDefinition) -> String {
    if leaf.isCaseExact { return sql }
    return order == .equal ? "identity_read.comparison_key(\(sql))" : "identity_read.folded(\(sql))"
  }

  // MARK: - Places

  private mutating func value(_ attribute: FilterAttribute, _ inner: TypedFilter.Expression, _ scope: Scope) -> String {
    // The parts of meta are columns, which its one value has all of.
    if attribute.definition.name == "meta", attribute.schemaExtension == nil { return condition(inner) }
    if case .rows = stored(attribute, .resource) { return row(attribute) { $0.condition(inner, in: .row) } }
    let exact = document(attribute, scope) { $0.condition(inner, in: .value($1)) }
    guard let narrowing = inner.requirement.flatMap({ narrowing($0.0, $0.1) }) else { return exact }
    return "(\(narrowing) and \(exact))"
  }

  private mutating func row(_ attribute: FilterAttribute, _ condition: (inout FilterCompiler) -> String) -> String {
    "exists (select \(kind.rows) and \(condition(&self)))"
  }

  /// That one of the attribute's values in the document satisfies a condition.
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

  /// What holds for every resource that has such a value in its document, and has an index; nil where there is none.
  private mutating func narrowing(_ attribute: FilterAttribute, _ comparison: TypedFilter.Comparison) -> String? {
    guard kind.kind == .user, attribute.schemaExtension == nil, comparison.order == .equal, case .string(let operand) = comparison.operand,
      !operand.isEmpty
    else { return nil }
    switch (attribute.definition.name, attribute.subAttribute?.name) {
    case ("emails", "value"):
      let other = parameters.bind(.textArray([EmailKey.text(operand, in: workspace)]))
      // Two indexes, each of which is the only one for its half, so that no plan can prefer another for want of statistics.
      return """
        (r.id = any (array(
          select k.id from identity_read.users k where k.workspace_id = $1 and k.email_key = \(parameters.bind(.text(operand)))
          union all
          select k.id from identity_read.users_by_other_email(\(other)) k (id)
        )))
        """
    case ("displayName", nil):
      // The column has another name where there is no displayName, so that it may find too many.
      return "(r.display_name_key = left(\(parameters.bind(.text(operand))), 200))"
    default: return nil
    }
  }
}

extension TypedFilter.Expression {
  /// An equality that has to hold for the expression to.
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
  /// Of numbers and moments.
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

/// The values of a statement's parameters, in the order of their numbers.
package struct BoundParameters {
  package private(set) var values: [PostgresValue]

  package init(_ values: [PostgresValue] = []) { self.values = values }

  /// Adds a value and returns what stands for it in the statement.
  package mutating func bind(_ value: PostgresValue) -> String {
    values.append(value)
    return "$\(values.count)"
  }
}
