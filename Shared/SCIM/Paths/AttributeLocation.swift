/// A top-level attribute of a kind of resource, found by its path, and where a resource holds it.
struct AttributeLocation: Sendable, Hashable {
  /// The extension that has it; nil for the resource's own schema and for common attributes.
  let schemaExtension: String?
  let definition: AttributeDefinition

  /// The value that `resource` has there.
  func value(in resource: JSONObject) -> JSON? {
    guard let schemaExtension else { return resource[definition.name] }
    return resource[schemaExtension]?.object?[definition.name]
  }

  /// Sets or, with nil, unassigns the attribute; an extension without attributes goes too.
  func set(_ value: JSON?, in resource: inout JSONObject) {
    guard let schemaExtension else {
      resource[definition.name] = value
      return
    }
    var container = resource[schemaExtension]?.object ?? JSONObject()
    container[definition.name] = value
    resource[schemaExtension] = container.isEmpty ? nil : .object(container)
  }

  /// The path as error messages show it.
  var description: String {
    schemaExtension.map { "\($0):\(definition.name)" } ?? definition.name
  }
}

/// What a path means in a kind of resource.
enum ResolvedPath: Sendable {
  /// An attribute, or one of its parts.
  case attribute(AttributeLocation, subAttribute: AttributeDefinition?)
  /// All of an extension.
  case schemaExtension(SchemaDefinition)
  /// The resource itself, named by the URI of its schema.
  case resource
}

extension ResourceSchema {
  /// Finds what `path` names; nil where these schemas do not have it.
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
