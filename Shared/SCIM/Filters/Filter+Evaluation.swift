extension Filter {
  /// Whether one value of the multi-valued attribute `definition` is selected; the filter's paths are sub-attributes.
  func selects(_ value: JSON, of definition: AttributeDefinition) -> Bool {
    FilterEvaluation.Scope.value(value, definition).satisfies(expression)
  }

  /// Whether a resource matches; attributes that the schema does not have are absent.
  public func matches(_ resource: JSONObject, schema: ResourceSchema) -> Bool {
    FilterEvaluation.Scope.resource(resource, schema).satisfies(expression)
  }
}

/// The meaning of filters (RFC 7644 §3.4.2.2) over values in memory.
enum FilterEvaluation {
  /// What a path is looked up in.
  enum Scope {
    case resource(JSONObject, ResourceSchema)
    case value(JSON, AttributeDefinition)

    func satisfies(_ expression: Filter.Expression) -> Bool {
      switch expression {
      case .and(let operands): operands.allSatisfy(satisfies)
      case .or(let operands): operands.contains(where: satisfies)
      case .not(let operand): !satisfies(operand)
      case .present(let path): values(at: path).contains { !$0.value.isUnassigned }
      case .comparison(let path, let comparison, let value): compare(values(at: path), comparison, value)
      case .value(let path, let inner):
        attributeValues(at: path).contains { Scope.value($0.value, $0.definition).satisfies(inner) }
      }
    }

    /// The values at a path; for a complex attribute without a sub-attribute its `value` (RFC 7643 §2.4).
    private func values(at path: AttributePath) -> [(value: JSON, definition: AttributeDefinition)] {
      attributeValues(at: path).flatMap { found -> [(value: JSON, definition: AttributeDefinition)] in
        let isComplex = found.definition.type == .complex
        guard let name = path.subAttribute ?? (isComplex ? "value" : nil) else { return [found] }
        guard let definition = found.definition.subAttribute(named: name) else {
          return isComplex && path.subAttribute == nil ? [found] : []
        }
        return found.value.object?.value(forAttribute: name).map { [($0, definition)] } ?? []
      }
    }

    private func attributeValues(at path: AttributePath) -> [(value: JSON, definition: AttributeDefinition)] {
      switch self {
      case .resource(let resource, let schema):
        guard case .attribute(let location, _)? = schema.resolve(path), let value = location.value(in: resource) else { return [] }
        return (value.array ?? [value]).map { ($0, location.definition) }
      case .value(let value, let definition):
        if definition.type != .complex { return AttributeName.equal(path.attribute, "value") ? [(value, definition)] : [] }
        guard let subAttribute = definition.subAttribute(named: path.attribute) else { return [] }
        return value.object?.value(forAttribute: path.attribute).map { [($0, subAttribute)] } ?? []
      }
    }

    private func compare(
      _ found: [(value: JSON, definition: AttributeDefinition)], _ comparison: Filter.Operator, _ value: Filter.Value
    ) -> Bool {
      if value == .null {
        let isAbsent = !found.contains { !$0.value.isUnassigned }
        return comparison == .equal ? isAbsent : comparison == .notEqual && !isAbsent
      }
      if comparison == .notEqual { return !compare(found, .equal, value) }
      return found.contains { Comparison(comparison, value, $0.definition).holds(for: $0.value) }
    }
  }
}

/// One comparison of a stored value with a filter's.
struct Comparison {
  private let comparison: Filter.Operator
  private let value: Filter.Value
  private let definition: AttributeDefinition

  init(_ comparison: Filter.Operator, _ value: Filter.Value, _ definition: AttributeDefinition) {
    self.comparison = comparison
    self.value = value
    self.definition = definition
  }

  func holds(for stored: JSON) -> Bool {
    switch (stored, value) {
    case (.string(let left), .string(let right)) where definition.type == .dateTime: dates(left, right)
    case (.string(let left), .string(let right)): strings(left, right)
    case (.bool(let left), .bool(let right)): comparison == .equal && left == right
    case (.integer(let left), .integer(let right)): ordered(left, right)
    default: numbers(stored, value.json)
    }
  }

  private func strings(_ left: String, _ right: String) -> Bool {
    let (left, right) = definition.isCaseExact ? (left, right) : (left.lowercased(), right.lowercased())
    return switch comparison {
    case .contains: right.isEmpty || left.contains(right)
    case .startsWith: left.hasPrefix(right)
    case .endsWith: left.hasSuffix(right)
    default: ordered(left, right)
    }
  }

  private func dates(_ left: String, _ right: String) -> Bool {
    guard let left = DateTime.date(left), let right = DateTime.date(right) else { return strings(left, right) }
    return ordered(left, right)
  }

  private func numbers(_ left: JSON, _ right: JSON) -> Bool {
    guard let left = Self.number(left), let right = Self.number(right) else { return false }
    return ordered(left, right)
  }

  private func ordered<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
    switch comparison {
    case .equal: left == right
    case .greater: left > right
    case .greaterOrEqual: left >= right
    case .less: left < right
    case .lessOrEqual: left <= right
    case .notEqual, .contains, .startsWith, .endsWith: false
    }
  }

  private static func number(_ json: JSON) -> Double? {
    switch json {
    case .integer(let value): Double(value)
    case .decimal(let lexeme): Double(lexeme)
    default: nil
    }
  }
}

extension JSON {
  /// Whether there is nothing: null, an empty array, an object without members (RFC 7643 §2.5), an empty string.
  var isUnassigned: Bool {
    switch self {
    case .null: true
    case .array(let elements): elements.isEmpty
    case .object(let object): object.isEmpty
    case .string(let text): text.isEmpty
    case .bool, .integer, .decimal: false
    }
  }
}
