/// The values of a multi-valued attribute under the operations of a PATCH.
///
/// The cost of an operation is linear in the values that are there and those that are given.
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

  mutating func remove(where filter: Filter) {
    let selector = ValueSelector(filter, of: definition)
    values.removeAll { selector.selects($0) }
  }

  mutating func replaceAll(with new: [JSON]) {
    values = []
    add(new)
  }

  /// Appends what is not there yet; a value that only comes with more parts than one with the same `value` and `type` is merged
  /// into that.
  mutating func add(_ new: [JSON]) {
    var index = ValueIndex(values, byValueAlone: isKnownByValueAlone)
    for value in new where !index.contains(value) {
      for former in handOverPrimary(to: value) { index.replace(former.value, by: values[former.position]) }
      if let position = index.position(ofSameAs: value) {
        let former = values[position]
        values[position] = Self.merge(value, into: former)
        index.replace(former, by: values[position])
      } else {
        index.insert(value, at: values.count)
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
    // Once one value has it, no value but that one is the primary one.
    var primary: Int?
    for index in chosen {
      let part: JSON = subAttribute.map { [$0.name: new] } ?? new
      let changed = isAddition || subAttribute != nil ? Self.merge(part, into: values[index]) : part
      values[index] = .object(JSONObject())
      handOverPrimary(to: changed, from: primary)
      if changed.isPrimary { primary = index }
      values[index] = changed
    }
    dropUnassignedAndRepeated()
    return true
  }

  private func selected(_ filter: Filter?) -> [Int] {
    guard let filter else { return Array(values.indices) }
    let selector = ValueSelector(filter, of: definition)
    return values.indices.filter { selector.selects(values[$0]) }
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
    var seen: Set<JSON> = []
    values.removeAll { $0.isUnassigned || !seen.insert($0).inserted }
  }

  /// A new primary value makes the old one an ordinary one (RFC 7644 §3.5.2).
  ///
  /// - Parameter former: Where the old one is; nil where that is not known.
  /// - Returns: What was changed, as it was before.
  @discardableResult
  private mutating func handOverPrimary(to new: JSON, from former: Int? = nil) -> [(position: Int, value: JSON)] {
    guard new.isPrimary else { return [] }
    var changed: [(position: Int, value: JSON)] = []
    for index in former.map({ $0..<$0 + 1 }) ?? values.indices {
      guard case .object(var parts) = values[index], parts["primary"] == .bool(true) else { continue }
      changed.append((index, values[index]))
      parts["primary"] = .bool(false)
      values[index] = .object(parts)
    }
    return changed
  }

  private static func merge(_ new: JSON, into existing: JSON) -> JSON {
    guard case .object(let added) = new, case .object(var parts) = existing else { return new }
    for member in added { parts[member.key] = member.value == .null ? nil : member.value }
    return .object(parts)
  }
}

/// Finds values that are there already: equal ones, and those with the same `value` and `type`.
private struct ValueIndex {
  /// What tells one value from another.
  private struct Key: Hashable {
    let value: JSON
    let type: JSON?
  }

  private let byValueAlone: Bool
  /// How many there are of each.
  private var counts: [JSON: Int] = [:]
  /// Of those with the same key the first.
  private var positions: [Key: Int] = [:]

  init(_ values: [JSON], byValueAlone: Bool) {
    self.byValueAlone = byValueAlone
    counts.reserveCapacity(values.count)
    positions.reserveCapacity(values.count)
    for (position, value) in values.enumerated() { insert(value, at: position) }
  }

  func contains(_ value: JSON) -> Bool { counts[value] != nil }

  /// Where the first value with the same `value`, and `type` where that counts, is; nil where there is none.
  func position(ofSameAs value: JSON) -> Int? { key(of: value).flatMap { positions[$0] } }

  mutating func insert(_ value: JSON, at position: Int) {
    counts[value, default: 0] += 1
    if let key = key(of: value), positions[key] == nil { positions[key] = position }
  }

  /// Another value in the same place; it has the same key.
  mutating func replace(_ former: JSON, by value: JSON) {
    let left = counts[former, default: 1] - 1
    counts[former] = left == 0 ? nil : left
    counts[value, default: 0] += 1
  }

  private func key(of value: JSON) -> Key? {
    guard let parts = value.object, let value = parts["value"] else { return nil }
    return Key(value: value, type: byValueAlone ? nil : parts["type"])
  }
}

extension JSON {
  /// Whether it is marked as the primary one of several values.
  fileprivate var isPrimary: Bool { object?["primary"] == .bool(true) }
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
