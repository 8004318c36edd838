/// The values of a multi-valued attribute under the operations of a PATCH.
struct MultipleValues {
  private var values: [JSON]
  private let definition: AttributeDefinition

  init(_ values: [JSON], of definition: AttributeDefinition) {
    self.values = values
    self.definition = definition
  }

  /// What is there now; nil where nothing is left.
  var json: JSON? { values.isEmpty ? nil : .array(values) }

  mutating func removeAll() { values = [] }

  mutating func remove(where filter: Filter) { values.removeAll { filter.selects($0, of: definition) } }

  mutating func replaceAll(with new: [JSON]) {
    values = []
    add(new)
  }

  /// Appends what is not there yet; a value that only comes with more parts than one with the same `value` and `type` replaces it.
  mutating func add(_ new: [JSON]) {
    for value in new where !values.contains(value) {
      handOverPrimary(to: value)
      if let index = values.firstIndex(where: { Self.isSame($0, value) }) {
        values[index] = Self.merge(value, into: values[index])
      } else {
        values.append(value)
      }
    }
  }

  /// Sets a part of the selected values, of all where there is no filter.
  mutating func assign(_ part: JSON, to subAttribute: AttributeDefinition, where filter: Filter?) {
    for index in selected(filter) {
      guard case .object(var parts) = values[index] else { continue }
      parts[subAttribute.name] = part == .null ? nil : part
      values[index] = .object(parts)
    }
    values.removeAll { $0.isUnassigned }
  }

  mutating func unassign(_ subAttribute: AttributeDefinition, where filter: Filter?) {
    assign(.null, to: subAttribute, where: filter)
  }

  /// Changes the values that the filter selects.
  ///
  /// - Parameter createsAbsent: Where it selects none, one is made that has what the filter asks for ("if the target location
  ///   does not exist, the attribute and value are added", RFC 7644 §3.5.2.1).
  /// - Returns: Whether there was a value to change, or one was made.
  mutating func change(where filter: Filter, subAttribute: AttributeDefinition?, to new: JSON, createsAbsent: Bool) -> Bool {
    var chosen = selected(filter)
    if chosen.isEmpty {
      guard createsAbsent, let seed = filter.expression.seed else { return false }
      chosen = [values.count]
      values.append(.object(seed))
    }
    for index in chosen {
      let part: JSON = subAttribute.map { [$0.name: new] } ?? new
      let changed = Self.merge(part, into: values[index])
      values[index] = .object(JSONObject())
      handOverPrimary(to: changed)
      values[index] = changed
    }
    values.removeAll { $0.isUnassigned }
    return true
  }

  private func selected(_ filter: Filter?) -> [Int] {
    guard let filter else { return Array(values.indices) }
    return values.indices.filter { filter.selects(values[$0], of: definition) }
  }

  /// A new primary value makes the old one an ordinary one (RFC 7644 §3.5.2).
  private mutating func handOverPrimary(to new: JSON) {
    guard new.object?["primary"] == .bool(true) else { return }
    for index in values.indices {
      guard case .object(var parts) = values[index], parts["primary"] == .bool(true) else { continue }
      parts["primary"] = .bool(false)
      values[index] = .object(parts)
    }
  }

  private static func isSame(_ left: JSON, _ right: JSON) -> Bool {
    guard let left = left.object, let right = right.object, let value = left["value"] else { return false }
    return value == right["value"] && left["type"] == right["type"]
  }

  private static func merge(_ new: JSON, into existing: JSON) -> JSON {
    guard case .object(let added) = new, case .object(var parts) = existing else { return new }
    for member in added { parts[member.key] = member.value == .null ? nil : member.value }
    return .object(parts)
  }
}

extension Filter.Expression {
  /// The value that a filter of equalities describes: `type eq "work"` a value of type work; nil for any other filter.
  fileprivate var seed: JSONObject? {
    switch self {
    case .comparison(let path, .equal, let value) where path.subAttribute == nil: [path.attribute: value.json]
    case .and(let operands):
      operands.reduce(JSONObject() as JSONObject?) { seed, operand in
        guard var seed, let part = operand.seed else { return nil }
        for member in part { seed[member.key] = member.value }
        return seed
      }
    default: nil
    }
  }
}
