/// A resolved top-level attribute, and its position in a resource.
struct AttributeLocation: Sendable, Hashable {
  /// The URI of the extension that has the attribute; nil for the core schema and common attributes.
  let schemaExtension: String?
  let definition: AttributeDefinition

  /// Returns the attribute's value in `resource`.
  func value(in resource: JSONObject) -> JSON? {
    guard let schemaExtension else { return resource[definition.name] }
    return resource[schemaExtension]?.object?[definition.name]
  }

  /// Sets the attribute, or removes it if `value` is nil. An extension without attributes is removed as well.
  func set(_ value: JSON?, in resource: inout JSONObject) {
    guard let schemaExtension else {
      resource[definition.name] = value
      return
    }
    var container = resource[schemaExtension]?.object ?? JSONObject()
    container[definition.name] = value
    resource[schemaExtension] = container.isEmpty ? nil : .object(container)
  }

  /// The path in error messages.
  var description: String {
    schemaExtension.map { "\($0):\(definition.name)" } ?? definition.name
  }
}

/// The result of resolving a path in a schema.
enum ResolvedPath: Sendable {
  /// An attribute, or one of its sub-attributes.
  case attribute(AttributeLocation, subAttribute: AttributeDefinition?)
  /// An extension as a whole.
  case schemaExtension(SchemaDefinition)
  /// The resource itself: the path is the URI of its core schema.
  case resource
}

extension ResourceSchema {
  /// Resolves a path; nil if the schemas do not have the attribute.
  func resolve(_ path: AttributePath) -> ResolvedPath? {
    guard let schema = path.schema else {
      guard let definition = attribute(named: path.attribute) else { return nil }
      return resolve(path, in: AttributeLocation(schemaExtension: nil, definition: definition))
    }
    if AttributeName.equal(schema, core.id) {
      guard let definition = attribute(named: path.attribute) else { return nil }
      return resolve(path, in: AttributeLocation(schemaExtension: nil, definition: definition))
    }
    if let schemaExtension = schemaExtension(schema) {
      guard let definition = schemaExtension.attribute(named: path.attribute) else { return nil }
      return resolve(path, in: AttributeLocation(schemaExtension: schemaExtension.id, definition: definition))
    }
    guard let uri = path.asSchemaURI else { return nil }
    if let schemaExtension = schemaExtension(uri) { return .schemaExtension(schemaExtension) }
    return AttributeName.equal(uri, core.id) ? .resource : nil
  }

  private func resolve(_ path: AttributePath, in location: AttributeLocation) -> ResolvedPath? {
    guard let name = path.subAttribute else { return .attribute(location, subAttribute: nil) }
    guard let subAttribute = location.definition.subAttribute(named: name) else { return nil }
    return .attribute(location, subAttribute: subAttribute)
  }
}
