import Primitives

extension TypedFilter {
  /// Whether a resource in canonical form matches the filter.
  public func matches(_ resource: JSONObject) -> Bool { expression.holds(in: .resource(resource)) }
}

/// The object in which the paths of an expression are looked up.
private enum FilterScope {
  case resource(JSONObject)
  /// One value of the attribute of the enclosing value filter.
  case value(JSON)

  func values(of attribute: FilterAttribute) -> [JSON] {
    switch self {
    case .resource(let resource): attribute.values(in: resource)
    case .value(let value): attribute.parts(of: value)
    }
  }
}

extension TypedFilter.Expression {
  fileprivate func holds(in scope: FilterScope) -> Bool {
    switch self {
    case .constant(let value): value
    case .and(let operands): operands.allSatisfy { $0.holds(in: scope) }
    case .or(let operands): operands.contains { $0.holds(in: scope) }
    case .not(let operand): !operand.holds(in: scope)
    case .present(let attribute): scope.values(of: attribute).contains { !$0.isUnassigned }
    case .comparison(let attribute, let comparison): scope.values(of: attribute).contains { comparison.holds(for: $0, of: attribute.leaf) }
    case .value(let attribute, let inner): scope.values(of: attribute).contains { inner.holds(in: .value($0)) }
    }
  }
}

extension FilterAttribute {
  fileprivate func values(in resource: JSONObject) -> [JSON] {
    let location = AttributeLocation(schemaExtension: schemaExtension, definition: definition)
    guard let value = location.value(in: resource) else { return [] }
    return (value.array ?? [value]).flatMap(parts)
  }

  /// The values of the sub-attribute in one value of the top-level attribute, or that value itself.
  fileprivate func parts(of value: JSON) -> [JSON] {
    guard let subAttribute else { return [value] }
    guard let part = value.object?[subAttribute.name] else { return [] }
    return part.array ?? [part]
  }
}

extension TypedFilter.Comparison {
  /// Whether the comparison holds for one stored value. Text is ordered by its UTF-8 bytes, that is, by code point.
  func holds(for stored: JSON, of definition: AttributeDefinition) -> Bool {
    switch (operand, stored) {
    case (.string(let right), .string(let left)): strings(order.compared(left, of: definition), right)
    case (.bool(let right), .bool(let left)): left == right
    case (.instant(let right, _), .string(let left)): Instant(left).map { ordered($0, right) } ?? false
    case (.number(let right, _), .integer), (.number(let right, _), .decimal): DecimalNumber(stored).map { ordered($0, right) } ?? false
    default: false
    }
  }

  private func strings(_ left: String, _ right: String) -> Bool {
    let (left, right) = (left.utf8, right.utf8)
    return switch order {
    case .equal: left.elementsEqual(right)
    case .contains: left.holds(right)
    case .startsWith: left.starts(with: right)
    case .endsWith: left.reversed().starts(with: right.reversed())
    case .greater: right.lexicographicallyPrecedes(left)
    case .greaterOrEqual: !left.lexicographicallyPrecedes(right)
    case .less: left.lexicographicallyPrecedes(right)
    case .lessOrEqual: !right.lexicographicallyPrecedes(left)
    }
  }

  private func ordered<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
    switch order {
    case .equal: left == right
    case .greater: left > right
    case .greaterOrEqual: left >= right
    case .less: left < right
    case .lessOrEqual: left <= right
    case .contains, .startsWith, .endsWith: false
    }
  }
}

extension String.UTF8View {
  /// Whether these bytes contain the bytes of `other`, in linear time (Knuth–Morris–Pratt).
  fileprivate func holds(_ other: String.UTF8View) -> Bool {
    guard !other.isEmpty else { return true }
    guard other.count <= count else { return false }
    let sought = Array(other)
    // For each position, the length of the longest proper prefix that is also a suffix.
    var borders = [0]
    borders.reserveCapacity(sought.count)
    var border = 0
    for byte in sought.dropFirst() {
      while border > 0, byte != sought[border] { border = borders[border - 1] }
      if byte == sought[border] { border += 1 }
      borders.append(border)
    }
    var found = 0
    for byte in self {
      while found > 0, byte != sought[found] { found = borders[found - 1] }
      if byte == sought[found] { found += 1 }
      if found == sought.count { return true }
    }
    return false
  }
}

extension JSON {
  /// Whether the value is unassigned (RFC 7643 §2.5): null, or an empty array, object or string.
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
