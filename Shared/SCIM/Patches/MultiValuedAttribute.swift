/// The values of a multi-valued attribute under the operations of a PATCH.
///
/// The cost of an operation is linear in the values that are there and those that are given.
struct MultiValuedAttribute {
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
        values[position] = merge(value, into: former, isAddition: true)
        index.replace(former, by: values[position])
      } else {
        index.insert(value, at: values.count)
        values.append(value)
      }
    }
  }

  /// Sets a part of all values, or adds to it where it is multi-valued; where there are no values, one is made that has it.
  mutating func assign(_ part: JSON, to subAttribute: AttributeDefinition, isAddition: Bool) {
    if values.isEmpty, part != .null { values = [.object(JSONObject())] }
    set(subAttribute, in: Array(values.indices)) { existing in
      guard part != .null else { return nil }
      return isAddition ? Self.adding(part, to: existing, of: subAttribute) : part
    }
  }

  /// - Parameter removed: Selects the values to take out of a multi-valued part; nil for all of it.
  mutating func unassign(_ subAttribute: AttributeDefinition, where filter: Filter?, removing removed: Filter? = nil) {
    set(subAttribute, in: selected(filter)) { existing in
      removed.flatMap { Self.part(existing, of: subAttribute, without: $0) }
    }
  }

  /// Changes the `value` of the value that stands for the attribute where only one can be had: the primary one, else the one for work,
  /// else the first. The others stay. Where there is none, one is made.
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

  /// A value that replaces one selected by `type eq "work"`, and does not say its type, is still for work.
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

  /// A change can make a value the same as another, in `value` and `type`: then both become one, with the parts of both.
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

  /// `new` with the parts that only `old` has; primary if one of them is.
  private static func join(_ new: JSON, with old: JSON) -> JSON {
    guard case .object(var parts) = new, let others = old.object else { return new }
    for member in others where parts[member.key] == nil { parts[member.key] = member.value }
    if old.isPrimary { parts["primary"] = .bool(true) }
    return .object(parts)
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

  /// What a part is once `new` is added to it: values of a multi-valued one are appended to those that it has (RFC 7644 §3.5.2.1).
  static func adding(_ new: JSON?, to existing: JSON?, of part: AttributeDefinition) -> JSON? {
    guard part.isMultiValued, let old = existing?.array, let added = new?.array else { return new }
    var known = Set(old)
    return .array(old + added.filter { known.insert($0).inserted })
  }

  /// What is left of a part without the values that the filter selects.
  static func part(_ existing: JSON?, of part: AttributeDefinition, without removed: Filter) -> JSON? {
    guard let existing else { return nil }
    let selector = ValueSelector(removed, of: part)
    guard let values = existing.array else { return selector.selects(existing) ? nil : existing }
    let kept = values.filter { !selector.selects($0) }
    return kept.isEmpty ? nil : .array(kept)
  }
}

/// What tells one value from another: `value`, and `type` where that counts.
private struct ValueKey: Hashable {
  private let value: JSON
  private let type: JSON?

  /// nil for a value that has no `value`.
  init?(_ value: JSON, byValueAlone: Bool) {
    guard let parts = value.object, let value = parts["value"] else { return nil }
    self.value = value
    type = byValueAlone ? nil : parts["type"]
  }
}

/// Finds values that are there already: equal ones, and those with the same ``ValueKey``.
private struct ValueIndex {
  private let byValueAlone: Bool
  /// How many there are of each.
  private var counts: [JSON: Int] = [:]
  /// Of those with the same key the first.
  private var positions: [ValueKey: Int] = [:]

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

  private func key(of value: JSON) -> ValueKey? { ValueKey(value, byValueAlone: byValueAlone) }
}

extension JSON {
  /// Whether it is marked as the primary one of several values.
  fileprivate var isPrimary: Bool { object?["primary"] == .bool(true) }
}

extension Filter.Expression {
  /// The sub-attributes whose value the filter says.
  fileprivate var equalities: [String] {
    switch self {
    case .comparison(let path, .equal, let value) where value != .null: [path.attribute]
    case .and(let operands): operands.flatMap(\.equalities)
    default: []
    }
  }

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
