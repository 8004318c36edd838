/// Applies all value normalisations in one traversal of a resource, or of the value of a PATCH operation.
struct ValueNormaliser {
  private let rewrites: [(index: Int, rewrite: @Sendable (JSON, Normalisation.ValueContext) -> JSON?)]
  private let schema: ResourceSchema
  /// The indices of the normalisations that changed a value.
  var applied: Set<Int> = []
  /// Whether the values belong to a `replace` operation.
  private var isReplacement = false

  init(_ normalisations: [Normalisation], _ schema: ResourceSchema) {
    rewrites = normalisations.enumerated().compactMap { index, normalisation in normalisation.value.map { (index, $0) } }
    self.schema = schema
  }

  /// Normalises a resource, or an object of attributes; nil if nothing changes.
  mutating func rewritten(_ object: JSONObject) -> JSONObject? {
    changed(object) { walk, key, value in
      if let definition = walk.schema.attribute(named: key) { return walk.rewritten(value, of: definition) }
      guard let path = AttributePath(key) else { return nil }
      switch walk.schema.resolve(path) {
      case .attribute(let location, let subAttribute)?:
        return walk.rewritten(value, of: subAttribute ?? location.definition, in: subAttribute == nil ? nil : location.definition)
      case .schemaExtension(let schemaExtension)?: return walk.rewritten(value, of: schemaExtension)
      case .resource?: return value.object.flatMap { walk.rewritten($0) }.map(JSON.object)
      case nil: return nil
      }
    }
  }

  /// Normalises the value of an operation; nil if nothing changes.
  mutating func rewritten(_ operation: RawPatchOperation) -> RawPatchOperation? {
    isReplacement = operation.op.map { AttributeName.equal($0, "replace") } ?? false
    defer { isReplacement = false }
    guard let value = operation.value, let new = rewritten(value, at: operation) else { return nil }
    return operation.with(value: new)
  }

  private mutating func rewritten(_ value: JSON, at operation: RawPatchOperation) -> JSON? {
    guard let path = operation.path else {
      guard operation.pathText == nil, let object = value.object else { return nil }
      return rewritten(object).map(JSON.object)
    }
    switch schema.resolve(path.attribute) {
    case .attribute(let location, let subAttribute)?:
      return rewritten(
        value, of: subAttribute ?? location.definition, in: subAttribute == nil ? nil : location.definition,
        isElement: path.filter != nil && subAttribute == nil)
    case .schemaExtension(let schemaExtension)?: return rewritten(value, of: schemaExtension)
    case .resource?: return value.object.flatMap { rewritten($0) }.map(JSON.object)
    case nil: return nil
    }
  }

  private mutating func rewritten(_ value: JSON, of schemaExtension: SchemaDefinition) -> JSON? {
    guard let attributes = value.object else { return nil }
    return changed(attributes) { walk, name, value in
      schemaExtension.attribute(named: name).flatMap { walk.rewritten(value, of: $0) }
    }.map(JSON.object)
  }

  private mutating func rewritten(
    _ value: JSON, of definition: AttributeDefinition, in parent: AttributeDefinition? = nil, isElement: Bool = false
  ) -> JSON? {
    guard !Self.isCanonical(value, definition, in: parent) else { return nil }
    if isReplacement, !isElement, parent == nil, case .string = value, let part = definition.principalValue {
      // The text is not meant to replace all values: the engine replaces the principal one.
      return rewritten(value, of: part, in: definition)
    }
    let new = applied(to: value, Normalisation.ValueContext(definition: definition, parent: parent, isElement: isElement))
    let current = new ?? value
    if case .array(let elements) = current, definition.isMultiValued, !isElement {
      var changed: [JSON]?
      for (index, element) in elements.enumerated() {
        guard let element = rewritten(element, of: definition, in: parent, isElement: true) else { continue }
        if changed == nil { changed = elements }
        changed?[index] = element
      }
      return changed.map(JSON.array) ?? new
    }
    guard case .object(let parts) = current, definition.type == .complex else { return new }
    let changed = changed(parts) { walk, name, value in
      definition.subAttribute(named: name).flatMap { walk.rewritten(value, of: $0, in: definition) }
    }
    return changed.map(JSON.object) ?? new
  }

  /// Whether the form of a value is correct, as for most values, so that normalisations are skipped.
  private static func isCanonical(_ value: JSON, _ definition: AttributeDefinition, in parent: AttributeDefinition?) -> Bool {
    switch (definition.type, value) {
    case (_, .null), (.boolean, .bool), (.integer, .integer), (.decimal, .integer), (.decimal, .decimal), (.dateTime, .string),
      (.reference, .string), (.binary, .string):
      true
    case (.string, .string): parent?.name != "roles"
    // Groups can have a hundred thousand members, and no provider deviates in their form.
    case (.complex, .array(let elements)) where definition.name == "members": elements.allSatisfy { $0.object != nil }
    default: false
    }
  }

  /// Applies the normalisations to one value, each to the result of the previous one.
  private mutating func applied(to value: JSON, _ context: Normalisation.ValueContext) -> JSON? {
    var new: JSON?
    for (index, rewrite) in rewrites {
      guard let rewritten = rewrite(new ?? value, context) else { continue }
      new = rewritten
      applied.insert(index)
    }
    return new
  }

  private mutating func changed(
    _ object: JSONObject, _ member: (inout ValueNormaliser, String, JSON) -> JSON?
  ) -> JSONObject? {
    var changed: [JSONObject.Member]?
    for (index, entry) in object.members.enumerated() {
      guard let value = member(&self, entry.key, entry.value) else { continue }
      if changed == nil { changed = object.members }
      changed?[index].value = value
    }
    return changed.map { JSONObject(uncheckedMembers: $0) }
  }
}
