/// Applies operations to the attributes of a resource (RFC 7644 §3.5.2.1 to §3.5.2.3).
///
/// ``result()`` validates the resource by its schema, so that required attributes and primary values are checked in one place.
struct PatchApplication {
  let schema: ResourceSchema
  private(set) var resource: JSONObject
  /// The changed top-level members.
  private(set) var changed: [String] = []
  /// The remaining work that the operations may cause.
  private var budget: StepBudget

  init(_ resource: JSONObject, schema: ResourceSchema, budget: StepBudget = StepBudget()) {
    self.resource = resource
    self.schema = schema
    self.budget = budget
  }

  /// The changed resource, validated and in canonical form.
  func result() throws(SCIMError) -> JSONObject {
    try ResourceReader(schema: schema).reread(resource, changed: changed)
  }

  /// Restores a top-level member from the original resource.
  mutating func restore(_ key: String, from stored: JSONObject) {
    resource[key] = stored[key]
  }

  private mutating func set(_ value: JSON?, at location: AttributeLocation) {
    location.set(value, in: &resource)
    let key = location.schemaExtension ?? location.definition.name
    if !changed.contains(key) { changed.append(key) }
  }

  mutating func apply(_ operation: Patch.Operation) throws(SCIMError) {
    try budget.spend(operation.steps)
    try operation.check(against: schema)
    guard let path = operation.path else {
      try applyAttributes(operation.kind, operation.value?.object ?? JSONObject())
      return
    }
    switch try schema.target(of: path) {
    case .attribute(let target): try apply(operation.kind, operation.value, to: target)
    case .resource: try applyAttributes(operation.kind, try attributes(operation.value, at: path))
    case .schemaExtension(let schemaExtension):
      if operation.kind == .remove {
        resource[schemaExtension.id] = nil
      } else {
        try applyAttributes(operation.kind, [schemaExtension.id: operation.value ?? .null])
      }
    }
  }

  private func attributes(_ value: JSON?, at path: PatchPath) throws(SCIMError) -> JSONObject {
    guard let object = value?.object else {
      throw .badRequest(
        .invalidValue, "\(path) names a schema: the value must be an object with its attributes, found \(value?.summary ?? "nothing").")
    }
    return object
  }

  /// Applies an operation without a path: each member of the value is a separate change.
  private mutating func applyAttributes(_ kind: Patch.Operation.Kind, _ attributes: JSONObject) throws(SCIMError) {
    for member in attributes {
      guard let path = AttributePath(member.key) else {
        throw .badRequest(.invalidPath, "'\(SecretText.shown(member.key))' in a value without a path is no attribute's name.")
      }
      switch schema.resolve(path) {
      case .attribute(let location, let subAttribute)?:
        guard location.definition.name != CommonAttributes.schemas.name else { continue }
        guard subAttribute == nil else {
          throw .badRequest(
            .invalidPath, "'\(SecretText.shown(member.key))' is a path, not an attribute's name: use an operation with that path.")
        }
        try apply(kind, member.value, to: PatchTarget(location, path: PatchPath(attribute: path)))
      case .schemaExtension(let schemaExtension)?:
        guard member.value != .null else {
          resource[schemaExtension.id] = nil
          continue
        }
        for inner in try self.attributes(member.value, at: PatchPath(attribute: path))
        where !AttributeName.equal(inner.key, CommonAttributes.schemas.name) {
          guard let definition = schemaExtension.attribute(named: inner.key) else {
            throw .badRequest(.invalidPath, schema.unknown("\(schemaExtension.id):\(inner.key)"))
          }
          let location = AttributeLocation(schemaExtension: schemaExtension.id, definition: definition)
          let path = PatchPath(attribute: AttributePath(schema: schemaExtension.id, attribute: definition.name))
          try apply(kind, inner.value, to: PatchTarget(location, path: path))
        }
      case .resource?: try applyAttributes(kind, try self.attributes(member.value, at: PatchPath(attribute: path)))
      case nil: throw .badRequest(.invalidPath, schema.unknown(member.key))
      }
    }
  }

  private mutating func apply(_ kind: Patch.Operation.Kind, _ value: JSON?, to target: PatchTarget) throws(SCIMError) {
    guard target.definition.mutability != .writeOnly else { return }
    try checkRequired(kind, value, target)
    if kind == .remove { try target.checkRemoval(of: value) }
    if target.definition.isMultiValued {
      try applyToValues(kind, value, target)
    } else if let subAttribute = target.subAttribute {
      try apply(kind, value, toPart: subAttribute, target)
    } else if kind == .remove, let value, value != .null {
      let stored = target.location.value(in: resource)
      let removed = try target.removedValues(value, of: target.definition)
      set(MultiValuedAttribute.part(stored, of: target.definition, without: removed), at: target.location)
    } else if kind == .remove || value == .null {
      set(nil, at: target.location)
    } else if let value {
      set(try merged(kind, value, into: target.location.value(in: resource), target), target)
    }
  }

  /// Rejects removals of required attributes (RFC 7644 §3.5.2.2) and of `active`. A missing `active` would mean true and could enable a user
  /// by mistake, and keeping it would ignore the request.
  private func checkRequired(_ kind: Patch.Operation.Kind, _ value: JSON?, _ target: PatchTarget) throws(SCIMError) {
    if kind == .remove || value == .null, schema.isActive(target.location) {
      throw .badRequest(.mutability, "active can't be removed: a user is enabled or disabled. Set it to true or false.")
    }
    guard kind == .remove, target.path.filter == nil, (target.subAttribute ?? target.definition).isRequired else { return }
    throw .badRequest(.mutability, "\(target.path) is required and can't be removed.")
  }

  /// Changes a sub-attribute of a single-valued complex attribute.
  private mutating func apply(
    _ kind: Patch.Operation.Kind, _ value: JSON?, toPart part: AttributeDefinition, _ target: PatchTarget
  ) throws(SCIMError) {
    var parts = target.location.value(in: resource)?.object ?? JSONObject()
    switch (kind, value) {
    case (.remove, let value?) where value != .null:
      parts[part.name] = MultiValuedAttribute.part(parts[part.name], of: part, without: try target.removedValues(value, of: part))
    case (.remove, _): parts[part.name] = nil
    case (.add, _), (.replace, _):
      let new = try read(part.asList(value ?? .null), of: part, at: target.path)
      parts[part.name] = kind == .add ? MultiValuedAttribute.adding(new, to: parts[part.name], of: part) : new
    }
    set(.object(parts), target)
  }

  /// Merges a complex value: sub-attributes that are not given keep their values (RFC 7644 §3.5.2.3).
  private func merged(_ kind: Patch.Operation.Kind, _ value: JSON, into existing: JSON?, _ target: PatchTarget) throws(SCIMError) -> JSON {
    let definition = target.definition
    guard definition.type == .complex, case .object(let new) = value else {
      return try read(value, of: definition, at: target.path) ?? .object(JSONObject())
    }
    var parts = existing?.object ?? JSONObject()
    for member in new {
      guard let subAttribute = definition.subAttribute(named: member.key), subAttribute.isStored else { continue }
      let part = try reading(at: target.path) { () throws(InvalidValue) in
        do throws(InvalidValue) {
          return try AttributeReader.value(member.value, of: subAttribute)
        } catch {
          throw error.below(".\(subAttribute.name)")
        }
      }
      parts[subAttribute.name] = kind == .add ? MultiValuedAttribute.adding(part, to: parts[subAttribute.name], of: subAttribute) : part
    }
    return .object(parts)
  }

  private mutating func set(_ value: JSON, _ target: PatchTarget) {
    set(value.isEmptyComplex ? nil : value, at: target.location)
  }

  private mutating func applyToValues(_ kind: Patch.Operation.Kind, _ value: JSON?, _ target: PatchTarget) throws(SCIMError) {
    let present = target.location.value(in: resource)?.array ?? []
    try budget.spend(Self.steps(of: target.path.filter, over: present, of: target.definition))
    var values = MultiValuedAttribute(present, of: target.definition)
    if target.path.filter != nil || target.subAttribute != nil { try checkImmutable(kind, target) }
    switch (kind, target.path.filter) {
    case (.remove, let filter):
      try remove(value, filter, from: &values, target)
    case (.add, nil), (.replace, nil):
      if kind == .replace, target.subAttribute == nil, let principal = target.definition.principalValue, let value, case .string = value {
        values.replacePrincipal(try read(value, of: principal, at: target.path) ?? value, in: principal)
        break
      }
      let new = try newValues(value, target)
      if let subAttribute = target.subAttribute {
        values.assign(new[0], to: subAttribute, isAddition: kind == .add)
      } else if kind == .add {
        values.add(new)
      } else {
        values.replaceAll(with: new)
      }
    case (let kind, let filter?):
      let new = try newValues(value, target)
      guard new.count == 1 else {
        throw .badRequest(.invalidValue, "\(target.path): the values that the filter selects take one value, found \(new.count).")
      }
      guard values.change(where: filter, subAttribute: target.subAttribute, to: new[0], isAddition: kind == .add) else {
        throw .badRequest(.noTarget, "\(target.path) selects no value of the resource, so there is nothing to replace.")
      }
    }
    set(values.json, at: target.location)
  }

  private func remove(
    _ value: JSON?, _ filter: Filter?, from values: inout MultiValuedAttribute, _ target: PatchTarget
  ) throws(SCIMError) {
    if let subAttribute = target.subAttribute {
      var removed: Filter?
      if subAttribute.isMultiValued, let value, value != .null { removed = try target.removedValues(value, of: subAttribute) }
      values.unassign(subAttribute, where: filter, removing: removed)
    } else if let filter {
      values.remove(where: filter)
    } else {
      values.removeAll()
    }
  }

  /// Rejects changes of values with immutable sub-attributes, which can only be removed and added.
  private func checkImmutable(_ kind: Patch.Operation.Kind, _ target: PatchTarget) throws(SCIMError) {
    let isImmutable =
      target.subAttribute.map { $0.mutability == .immutable }
      ?? (kind != .remove && target.definition.subAttributes.contains { $0.mutability == .immutable })
    guard isImmutable else { return }
    throw .badRequest(.mutability, "\(target.path): a value of \(target.definition.name) can't be changed; remove it and add another.")
  }

  /// Reads the values of an operation on a multi-valued attribute: one, or an array of them. They are checked one by one, so that errors
  /// have the operation's path.
  private func newValues(_ value: JSON?, _ target: PatchTarget) throws(SCIMError) -> [JSON] {
    guard let value else { return [] }
    if let part = target.subAttribute { return [try read(part.asList(value), of: part, at: target.path) ?? .null] }
    return try reading(at: target.path) { () throws(InvalidValue) in
      var read: [JSON] = []
      for element in value.array ?? [value] {
        if let new = try AttributeReader.single(element, of: target.definition) { read.append(new) }
      }
      try AttributeReader.checkPrimary(read)
      return read
    }
  }

  private func read(_ value: JSON, of definition: AttributeDefinition, at path: PatchPath) throws(SCIMError) -> JSON? {
    try reading(at: path) { () throws(InvalidValue) in try AttributeReader.value(value, of: definition) }
  }

  private func reading<Value>(at path: PatchPath, _ read: () throws(InvalidValue) -> Value) throws(SCIMError) -> Value {
    do throws(InvalidValue) {
      return try read()
    } catch {
      throw error.error(at: "\(path)")
    }
  }
}

extension PatchApplication {
  /// The steps of an operation on a multi-valued attribute: each comparison of the filter examines each value, and each value is copied and
  /// hashed.
  fileprivate static func steps(of filter: Filter?, over values: [JSON], of definition: AttributeDefinition) -> Int {
    let size = values.reduce(0) { $0 + $1.steps }
    // The look-up of a sub-attribute is linear.
    let names = 1 + definition.subAttributes.count / 16
    return size * (2 + (filter.map { ValueSelector($0, of: definition).comparisons } ?? 0) * names)
  }
}

extension ResourceSchema {
  /// Whether the attribute is `active` of a user.
  fileprivate func isActive(_ location: AttributeLocation) -> Bool {
    location.schemaExtension == nil && location.definition.name == "active" && AttributeName.equal(core.id, SchemaDefinition.userID)
  }
}

extension AttributeDefinition {
  /// Wraps a single value of a multi-valued sub-attribute in an array.
  fileprivate func asList(_ value: JSON) -> JSON {
    guard isMultiValued, value != .null, value.array == nil else { return value }
    return .array([value])
  }
}

extension JSON {
  fileprivate var isEmptyComplex: Bool { object?.isEmpty ?? false }
}
