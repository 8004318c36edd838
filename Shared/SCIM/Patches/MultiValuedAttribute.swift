/// The values of a multi-valued attribute while a PATCH is applied.
///
/// The cost of an operation is linear in the number of existing and new values.
struct MultiValuedAttribute {
  private var values: [JSON]
  private let definition: AttributeDefinition
  /// Whether `value` alone identifies a value, as with immutable values such as members; otherwise `value` and `type` do.
  private let isKnownByValueAlone: Bool

  init(_ values: [JSON], of definition: AttributeDefinition) {
    self.values = values
    self.definition = definition
    isKnownByValueAlone = definition.subAttribute(named: "value")?.mutability == .immutable
  }

  /// The values; nil if there are none.
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

  /// Appends new values. A value with the same `value` and `type` as an existing one is merged into it.
  mutating func add(_ new: [JSON]) {
    var index = ValueIndex(values, byValueAlone: isKnownByValueAlone)
    for value in new where !index.contains(value) {
      for former in handOverPrimary(to: value) { index.replace(former.value, by: values[former.position]) }
      if let position = index.position(ofSameAs: value) {
        let former = values[position]
        values[position] = merge(value, into: former, isAddition: true)
        index.replace(former, by: values[position])
      } else {
        index.insert(value, at: values.count)
        values.append(value)
      }
    }
  }

  /// Sets a sub-attribute of all values, or adds to it if it is multi-valued. Creates a value if there are none.
  mutating func assign(_ part: JSON, to subAttribute: AttributeDefinition, isAddition: Bool) {
    if values.isEmpty, part != .null { values = [.object(JSONObject())] }
    set(subAttribute, in: Array(values.indices)) { existing in
      guard part != .null else { return nil }
      return isAddition ? Self.adding(part, to: existing, of: subAttribute) : part
    }
  }

  /// Removes a sub-attribute of the selected values.
  ///
  /// - Parameters:
  ///   - subAttribute: The sub-attribute.
  ///   - filter: Selects the values; nil for all.
  ///   - removed: Selects the values to remove from a multi-valued sub-attribute; nil for all.
  mutating func unassign(_ subAttribute: AttributeDefinition, where filter: Filter?, removing removed: Filter? = nil) {
    set(subAttribute, in: selected(filter)) { existing in
      removed.flatMap { Self.part(existing, of: subAttribute, without: $0) }
    }
  }

  /// Changes the `value` of the principal value: the primary one, else the work one, else the first. Creates a value if there are none.
  mutating func replacePrincipal(_ new: JSON, in subAttribute: AttributeDefinition) {
    let principal =
      values.firstIndex(where: \.isPrimary) ?? values.firstIndex { $0.object?["type"]?.string?.lowercased() == "work" }
      ?? values.indices.first
    guard let principal else {
      values = [[subAttribute.name: new]]
      return
    }
    set(subAttribute, in: [principal]) { _ in new }
  }

  /// Changes a sub-attribute of the selected values, or the values themselves.
  ///
  /// - Parameters:
  ///   - filter: Selects the values.
  ///   - subAttribute: The sub-attribute to set; nil to change the values.
  ///   - new: The new value.
  ///   - isAddition: Whether other sub-attributes are kept, and a value that fits the filter is created if it selects none ("if the target
  ///     location does not exist, the attribute and value are added", RFC 7644 §3.5.2.1).
  /// - Returns: Whether a value was changed or created.
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
    // At most one of the changed values is primary.
    var primary: Int?
    for index in chosen {
      let part: JSON = subAttribute.map { [$0.name: new] } ?? new
      let changed =
        isAddition || subAttribute != nil
        ? merge(part, into: values[index], isAddition: isAddition) : keepingParts(of: values[index], selectedBy: filter, in: part)
      values[index] = .object(JSONObject())
      handOverPrimary(to: changed, from: primary)
      if changed.isPrimary { primary = index }
      values[index] = changed
    }
    joinRepeated(chosen)
    return true
  }

  /// Keeps the sub-attributes that the filter compares: a replacement for `type eq "work"` without a type keeps the type.
  private func keepingParts(of existing: JSON, selectedBy filter: Filter, in new: JSON) -> JSON {
    guard let old = existing.object, case .object(var parts) = new, !parts.isEmpty else { return new }
    for name in filter.expression.equalities {
      guard let part = definition.subAttribute(named: name), parts[part.name] == nil, let value = old[part.name] else { continue }
      parts[part.name] = value
    }
    return .object(parts)
  }

  private func selected(_ filter: Filter?) -> [Int] {
    guard let filter else { return Array(values.indices) }
    let selector = ValueSelector(filter, of: definition)
    return values.indices.filter { selector.selects(values[$0]) }
  }

  private mutating func set(_ subAttribute: AttributeDefinition, in indices: [Int], to part: (JSON?) -> JSON?) {
    for index in indices {
      guard case .object(var parts) = values[index] else { continue }
      parts[subAttribute.name] = part(parts[subAttribute.name])
      values[index] = .object(parts)
    }
    joinRepeated(indices)
  }

  /// Merges changed values with values that have the same `value` and `type`.
  private mutating func joinRepeated(_ changed: [Int]) {
    let changed = Set(changed)
    var first: [ValueKey: Int] = [:]
    for index in values.indices {
      guard let key = ValueKey(values[index], byValueAlone: isKnownByValueAlone) else { continue }
      guard let earlier = first[key] else {
        first[key] = index
        continue
      }
      guard changed.contains(index) || changed.contains(earlier) else { continue }
      let (new, old) = changed.contains(index) ? (values[index], values[earlier]) : (values[earlier], values[index])
      values[earlier] = Self.join(new, with: old)
      values[index] = .null
    }
    dropUnassignedAndRepeated()
  }

  /// Returns `new` with the sub-attributes that only `old` has; primary if either is.
  private static func join(_ new: JSON, with old: JSON) -> JSON {
    guard case .object(var parts) = new, let others = old.object else { return new }
    for member in others where parts[member.key] == nil { parts[member.key] = member.value }
    if old.isPrimary { parts["primary"] = .bool(true) }
    return .object(parts)
  }

  /// Removes values that are empty or equal to a previous one.
  private mutating func dropUnassignedAndRepeated() {
    var seen: Set<JSON> = []
    values.removeAll { $0.isUnassigned || !seen.insert($0).inserted }
  }

  /// If the new value is primary, unsets `primary` of the former one (RFC 7644 §3.5.2).
  ///
  /// - Parameters:
  ///   - new: The new value.
  ///   - former: The position of the former primary value; nil to search all values.
  /// - Returns: The positions and former values of the changed values.
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

  private func merge(_ new: JSON, into existing: JSON, isAddition: Bool) -> JSON {
    guard case .object(let added) = new, case .object(var parts) = existing else { return new }
    for member in added {
      guard member.value != .null else {
        parts[member.key] = nil
        continue
      }
      guard isAddition, let part = definition.subAttribute(named: member.key) else {
        parts[member.key] = member.value
        continue
      }
      parts[member.key] = Self.adding(member.value, to: parts[member.key], of: part)
    }
    return .object(parts)
  }

  /// Returns a sub-attribute after an addition: new values of a multi-valued one are appended (RFC 7644 §3.5.2.1).
  static func adding(_ new: JSON?, to existing: JSON?, of part: AttributeDefinition) -> JSON? {
    guard part.isMultiValued, let old = existing?.array, let added = new?.array else { return new }
    var known = Set(old)
    return .array(old + added.filter { known.insert($0).inserted })
  }

  /// Returns a sub-attribute without the values that the filter selects.
  static func part(_ existing: JSON?, of part: AttributeDefinition, without removed: Filter) -> JSON? {
    guard let existing else { return nil }
    let selector = ValueSelector(removed, of: part)
    guard let values = existing.array else { return selector.selects(existing) ? nil : existing }
    let kept = values.filter { !selector.selects($0) }
    return kept.isEmpty ? nil : .array(kept)
  }
}

/// The identity of a value: its `value`, and its `type` unless `value` alone identifies it.
private struct ValueKey: Hashable {
  private let value: JSON
  private let type: JSON?

  /// Creates the key; nil if the value has no `value`.
  init?(_ value: JSON, byValueAlone: Bool) {
    guard let parts = value.object, let value = parts["value"] else { return nil }
    self.value = value
    type = byValueAlone ? nil : parts["type"]
  }
}

/// A hash index of values: finds equal values, and values with the same ``ValueKey``.
private struct ValueIndex {
  private let byValueAlone: Bool
  /// The number of occurrences of each value.
  private var counts: [JSON: Int] = [:]
  /// The first position of each key.
  private var positions: [ValueKey: Int] = [:]

  init(_ values: [JSON], byValueAlone: Bool) {
    self.byValueAlone = byValueAlone
    counts.reserveCapacity(values.count)
    positions.reserveCapacity(values.count)
    for (position, value) in values.enumerated() { insert(value, at: position) }
  }

  func contains(_ value: JSON) -> Bool { counts[value] != nil }

  /// The position of the first value with the same key; nil if there is none.
  func position(ofSameAs value: JSON) -> Int? { key(of: value).flatMap { positions[$0] } }

  mutating func insert(_ value: JSON, at position: Int) {
    counts[value, default: 0] += 1
    if let key = key(of: value), positions[key] == nil { positions[key] = position }
  }

  /// Replaces a value by one with the same key.
  mutating func replace(_ former: JSON, by value: JSON) {
    let left = counts[former, default: 1] - 1
    counts[former] = left == 0 ? nil : left
    counts[value, default: 0] += 1
  }

  private func key(of value: JSON) -> ValueKey? { ValueKey(value, byValueAlone: byValueAlone) }
}

extension JSON {
  /// Whether `primary` is true.
  fileprivate var isPrimary: Bool { object?["primary"] == .bool(true) }
}

extension Filter.Expression {
  /// The sub-attributes that the filter compares for equality.
  fileprivate var equalities: [String] {
    switch self {
    case .comparison(let path, .equal, let value) where value != .null: [path.attribute]
    case .and(let operands): operands.flatMap(\.equalities)
    default: []
    }
  }

  /// The value that a filter of equalities describes, such as a work address for `type eq "work"`; nil for other filters.
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
