extension Filter {
  /// Whether one value of the multi-valued attribute `definition` is selected by the value filter of a PATCH path; the filter's paths are
  /// sub-attributes. What does not fit a sub-attribute's type selects nothing.
  func selects(_ value: JSON, of definition: AttributeDefinition) -> Bool { expression.selects(value, of: definition) }
}

extension Filter.Expression {
  fileprivate func selects(_ value: JSON, of definition: AttributeDefinition) -> Bool {
    switch self {
    case .and(let operands): operands.allSatisfy { $0.selects(value, of: definition) }
    case .or(let operands): operands.contains { $0.selects(value, of: definition) }
    case .not(let operand): !operand.selects(value, of: definition)
    case .present(let path): path.parts(of: value, definition).contains { !$0.value.isUnassigned }
    case .comparison(let path, .notEqual, let compared): !Self.comparison(path, .equal, compared).selects(value, of: definition)
    case .comparison(let path, .equal, .null): !Self.present(path).selects(value, of: definition)
    case .comparison(let path, let comparison, let compared):
      path.parts(of: value, definition).contains { part in
        guard let order = TypedFilter.Comparison.Order(comparison), part.definition.type.permits(order),
          let operand = TypedFilter.Comparison.Operand(compared, for: part.definition, comparedBy: order)
        else { return false }
        return TypedFilter.Comparison(order: order, operand: operand).holds(for: part.value, of: part.definition)
      }
    case .value: false
    }
  }
}

extension AttributePath {
  /// What the path names in one value of the attribute `definition`.
  fileprivate func parts(of value: JSON, _ definition: AttributeDefinition) -> [(value: JSON, definition: AttributeDefinition)] {
    guard definition.type == .complex else { return AttributeName.equal(attribute, "value") ? [(value, definition)] : [] }
    guard let part = definition.subAttribute(named: attribute), let found = value.object?.value(forAttribute: attribute) else { return [] }
    return (found.array ?? [found]).map { ($0, part) }
  }
}
