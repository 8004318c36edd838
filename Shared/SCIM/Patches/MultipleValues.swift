/// The values of a multi-valued attribute under the operations of a PATCH.
struct MultipleValues {
  private var values: [JSON]
  private let definition: AttributeDefinition
  /// Where a value can't be changed, it is what its `value` says, as a member is its id; elsewhere `type` tells values apart too.
  private let isKnownByValueAlone: Bool

  init(_ values: [JSON], of definition: AttributeDefinition) {
    self.values = values
    self.definition = definition
    isKnownByValueAlone = definition.subAttribute(named: "value")?.mutability == .immutable
  }

  /// What is there now; nil where nothing is left.
  var json: JSON? { values.isEmpty ? nil : .array(values) }

  mutating func removeAll() { values = [] }

  mutating func remove(where filter: Filter) { values.removeAll { filter.selects($0, of: definition) } }

  mutating func replaceAll(with new: [JSON]) {
    values = []
    add(new)
  }

  /// Appends what is not there yet; a value that only comes with more parts than one with the same `value` and `type` is merged
  /// into that.
  mutating func add(_ new: [JSON]) {
    for value in new where !values.contains(value) {
      handOverPrimary(to: value)
      if let index = values.firstIndex(where: { isSame($0, value) }) {
        values[index] = Self.merge(value, into: values[index])
      } else {
        values.append(value)
      }
    }
  }

  /// Sets a part of all values; where there are none, one is made that has it.
  mutating func assign(_ part: JSON, to subAttribute: AttributeDefinition) {
    if values.isEmpty, part != .null { values = [.object(JSONObject())] }
    set(part, of: subAttribute, in: Array(values.indices))
  }

  mutating func unassign(_ subAttribute: AttributeDefinition, where filter: Filter?) {
    set(.null, of: subAttribute, in: selected(filter))
  }

  /// Changes the values that the filter selects: a part of each, or, without a sub-attribute, each as a whole. An addition leaves
  /// those parts that it does not name.
  ///
  /// - Parameter isAddition: Where the filter selects none, one is made that has what it asks for ("if the target location does
  ///   not exist, the attribute and value are added", RFC 7644 §3.5.2.1).
  /// - Returns: Whether there was a value to change, or one was made.
  mutating func change(where filter: Filter, subAttribute: AttributeDefinition?, to new: JSON, isAddition: Bool) -> Bool {
    var chosen = selected(filter)
    if chosen.isEmpty {
      guard isAddition else { return false }
      if definition.type == .complex {
        guard let seed = filter.expression.seed(for: definition) else { return false }
        values.append(.object(seed))
      } else {
        values.append(new)
      }
      chosen = [values.count - 1]
    }
    for index in chosen {
      let part: JSON = subAttribute.map { [$0.name: new] } ?? new
      let changed = isAddition || subAttribute != nil ? Self.merge(part, into: values[index]) : part
      values[index] = .object(JSONObject())
      handOverPrimary(to: changed)
      values[index] = changed
    }
    dropUnassignedAndRepeated()
    return true
  }

  private func selected(_ filter: Filter?) -> [Int] {
    guard let filter else { return Array(values.indices) }
    return values.indices.filter { filter.selects(values[$0], of: definition) }
  }

  private mutating func set(_ part: JSON, of subAttribute: AttributeDefinition, in indices: [Int]) {
    for index in indices {
      guard case .object(var parts) = values[index] else { continue }
      parts[subAttribute.name] = part == .null ? nil : part
      values[index] = .object(parts)
    }
    dropUnassignedAndRepeated()
  }

  /// Values that a change left empty, or made equal to one before them, are none.
  private mutating func dropUnassignedAndRepeated() {
    var kept: [JSON] = []
    for value in values where !value.isUnassigned && !kept.contains(value) { kept.append(value) }
    values = kept
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

  private func isSame(_ left: JSON, _ right: JSON) -> Bool {
    guard let left = left.object, let right = right.object, let value = left["value"], value == right["value"] else { return false }
    return isKnownByValueAlone || left["type"] == right["type"]
  }

  private static func merge(_ new: JSON, into existing: JSON) -> JSON {
    guard case .object(let added) = new, case .object(var parts) = existing else { return new }
    for member in added { parts[member.key] = member.value == .null ? nil : member.value }
    return .object(parts)
  }
}

extension Filter.Expression {
  /// The value that a filter of equalities describes: `type eq "work"` a value of type work; nil for any other filter.
  fileprivate func seed(for definition: AttributeDefinition) -> JSONObject? {
    switch self {
    case .comparison(let path, .equal, let value) where path.subAttribute == nil && value != .null:
      return definition.subAttribute(named: path.attribute).map { [$0.name: value.json] }
    case .and(let operands):
      var seed = JSONObject()
      for operand in operands {
        guard let part = operand.seed(for: definition) else { return nil }
        for member in part { seed[member.key] = member.value }
      }
      return seed
    default: return nil
    }
  }
}
