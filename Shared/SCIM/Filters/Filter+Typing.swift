import Primitives

extension Filter {
  /// Checks the filter against the schema of a resource type.
  ///
  /// An attribute that the schema does not have counts as an attribute without a value (RFC 7644 §3.4.2.2).
  ///
  /// - Throws: `invalidFilter` with the path, what was expected and what was found.
  public func typed(for schema: ResourceSchema) throws(SCIMError) -> TypedFilter {
    TypedFilter(expression: try FilterTyping(schema: schema).typed(expression, in: nil))
  }
}

/// Resolves the paths of a filter in a schema, and checks its operators and values against the attributes' types.
private struct FilterTyping {
  let schema: ResourceSchema

  /// - Parameter enclosing: The attribute of the enclosing value filter.
  func typed(_ expression: Filter.Expression, in enclosing: FilterAttribute?) throws(SCIMError) -> TypedFilter.Expression {
    switch expression {
    case .and(let operands): return .and(try typed(operands, in: enclosing))
    case .or(let operands): return .or(try typed(operands, in: enclosing))
    case .not(let operand): return .not(try typed(operand, in: enclosing))
    case .present(let path): return try present(path, in: enclosing)
    case .comparison(let path, let comparison, .null): return try compareWithNull(path, comparison, in: enclosing)
    case .comparison(let path, let comparison, let value): return try compare(path, comparison, value, in: enclosing)
    case .value(let path, let inner):
      guard enclosing == nil else { return .constant(false) }
      guard case .attribute(let attribute) = try find(path, in: nil), attribute.subAttribute == nil else { return .constant(false) }
      return .value(attribute, try typed(inner, in: attribute))
    }
  }

  private func typed(_ operands: [Filter.Expression], in enclosing: FilterAttribute?) throws(SCIMError) -> [TypedFilter.Expression] {
    var typed: [TypedFilter.Expression] = []
    for operand in operands { typed.append(try self.typed(operand, in: enclosing)) }
    return typed
  }

  private enum Found {
    case attribute(FilterAttribute)
    case schemaExtension(SchemaDefinition)
    case resource
    case nothing
  }

  private func find(_ path: AttributePath, in enclosing: FilterAttribute?) throws(SCIMError) -> Found {
    if let enclosing {
      guard path.schema == nil, path.subAttribute == nil else { return .nothing }
      if enclosing.definition.type != .complex {
        return AttributeName.equal(path.attribute, "value") ? .attribute(enclosing) : .nothing
      }
      guard let part = enclosing.definition.subAttribute(named: path.attribute) else { return .nothing }
      return .attribute(
        FilterAttribute(schemaExtension: enclosing.schemaExtension, definition: enclosing.definition, subAttribute: part))
    }
    switch schema.resolve(path) {
    case .attribute(let location, let subAttribute)?:
      return .attribute(
        FilterAttribute(schemaExtension: location.schemaExtension, definition: location.definition, subAttribute: subAttribute))
    case .schemaExtension(let definition)?: return .schemaExtension(definition)
    case .resource?: return .resource
    case nil: return .nothing
    }
  }

  private func present(_ path: AttributePath, in enclosing: FilterAttribute?) throws(SCIMError) -> TypedFilter.Expression {
    switch try find(path, in: enclosing) {
    case .attribute(let attribute): .present(attribute)
    // A resource lists the schemas of its attributes.
    case .schemaExtension(let definition):
      .comparison(
        FilterAttribute(definition: CommonAttributes.schemas), TypedFilter.Comparison(order: .equal, operand: .string(definition.id)))
    case .resource: .constant(true)
    case .nothing: .constant(false)
    }
  }

  private func compareWithNull(
    _ path: AttributePath, _ comparison: Filter.Operator, in enclosing: FilterAttribute?
  ) throws(SCIMError) -> TypedFilter.Expression {
    let present = try present(path, in: enclosing)
    switch comparison {
    case .equal: return .not(present)
    case .notEqual: return present
    default: throw .invalidFilter("\(path) \(comparison.rawValue) null: null can be compared by eq and ne, found \(comparison.rawValue).")
    }
  }

  private func compare(
    _ path: AttributePath, _ comparison: Filter.Operator, _ value: Filter.Value, in enclosing: FilterAttribute?
  ) throws(SCIMError) -> TypedFilter.Expression {
    let attribute: FilterAttribute
    switch try find(path, in: enclosing) {
    case .nothing: return .constant(comparison == .notEqual)
    case .schemaExtension, .resource:
      throw .invalidFilter("\(path) is a schema: name one of its attributes, as in \(path):attribute.")
    case .attribute(let found): attribute = try comparable(found, path)
    }
    let term = "\(attribute.path) \(comparison.rawValue) \(value)"
    guard let order = TypedFilter.Comparison.Order(comparison), attribute.leaf.type.permits(order) else {
      let permitted = attribute.leaf.type.permittedOperators.joined(separator: ", ")
      throw .invalidFilter(
        "\(term): \(attribute.path) is of type \(attribute.leaf.type.rawValue), which \(permitted) can be used with; found \(comparison.rawValue)."
      )
    }
    guard let operand = TypedFilter.Comparison.Operand(value, for: attribute.leaf, comparedBy: order) else {
      throw .invalidFilter(
        "\(term): \(attribute.path) is of type \(attribute.leaf.type.rawValue); expected \(attribute.leaf.type.expectedValue), found \(value.json.summary)."
      )
    }
    let equality = TypedFilter.Expression.comparison(attribute, TypedFilter.Comparison(order: order, operand: operand))
    return comparison == .notEqual ? .not(equality) : equality
  }

  /// The attribute that a comparison refers to: the `value` of a complex attribute (RFC 7643 §2.4).
  private func comparable(_ attribute: FilterAttribute, _ path: AttributePath) throws(SCIMError) -> FilterAttribute {
    guard attribute.leaf.type == .complex else { return attribute }
    guard let value = attribute.definition.subAttribute(named: "value") else {
      let parts = attribute.definition.subAttributes.map(\.name).joined(separator: ", ")
      throw .invalidFilter("\(path) is complex: expected one of its parts (\(parts)), found \(path) itself.")
    }
    return FilterAttribute(schemaExtension: attribute.schemaExtension, definition: attribute.definition, subAttribute: value)
  }
}

extension TypedFilter.Comparison.Order {
  /// Maps an operator; `ne` is the negation of `eq`.
  init?(_ comparison: Filter.Operator) {
    switch comparison {
    case .equal, .notEqual: self = .equal
    case .contains: self = .contains
    case .startsWith: self = .startsWith
    case .endsWith: self = .endsWith
    case .greater: self = .greater
    case .greaterOrEqual: self = .greaterOrEqual
    case .less: self = .less
    case .lessOrEqual: self = .lessOrEqual
    }
  }
}

extension TypedFilter.Comparison.Order {
  /// The form in which a text is compared: unless the attribute is case-exact, its comparison key for `eq`, and the folded text otherwise.
  func compared(_ text: String, of definition: AttributeDefinition) -> String {
    if definition.isCaseExact { return text }
    return self == .equal ? ComparisonKey(text).text : FoldedText.folded(text)
  }
}

extension TypedFilter.Comparison.Operand {
  /// Converts a value to the attribute's type; nil if it is of another type.
  init?(_ value: Filter.Value, for definition: AttributeDefinition, comparedBy order: TypedFilter.Comparison.Order) {
    switch (definition.type, value) {
    case (.string, .string(let text)), (.reference, .string(let text)), (.binary, .string(let text)):
      // No stored text contains U+0000, and PostgreSQL rejects it.
      guard !text.utf8.contains(0) else { return nil }
      self = .string(order.compared(text, of: definition))
    case (.boolean, .bool(let value)): self = .bool(value)
    case (.dateTime, .string(let text)):
      guard let instant = Instant(text) else { return nil }
      self = .instant(instant, lexeme: text)
    case (.integer, .integer), (.integer, .decimal), (.decimal, .integer), (.decimal, .decimal):
      guard let number = DecimalNumber(value.json), number.isBounded else { return nil }
      self = .number(number, lexeme: "\(value)")
    default: return nil
    }
  }
}

extension AttributeDefinition.DataType {
  /// Whether the operator can be used with the type (RFC 7644 table 3). Booleans and binary values have no order.
  func permits(_ order: TypedFilter.Comparison.Order) -> Bool {
    switch order {
    case .equal: self != .complex
    case .contains, .startsWith, .endsWith: self == .string || self == .reference || self == .binary
    case .greater, .greaterOrEqual, .less, .lessOrEqual: self != .boolean && self != .binary && self != .complex
    }
  }

  fileprivate var permittedOperators: [String] {
    Filter.Operator.allCases.filter { TypedFilter.Comparison.Order($0).map(permits) ?? false }.map(\.rawValue) + ["pr"]
  }

  fileprivate var expectedValue: String {
    switch self {
    case .string, .reference, .binary: "a string"
    case .boolean: "true or false"
    case .integer, .decimal: "a number of at most \(DecimalNumber.maximumDigits) digits"
    case .dateTime: "a time such as \"2026-01-31T08:00:00Z\""
    case .complex: "one of its parts"
    }
  }
}

extension SCIMError {
  fileprivate static func invalidFilter(_ detail: String) -> SCIMError { .badRequest(.invalidFilter, detail) }
}
