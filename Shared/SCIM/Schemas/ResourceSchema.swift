/// What a kind of resource may hold: the attributes of its schema, of the schema's extensions, and the common ones.
public struct ResourceSchema: Sendable, Hashable {
  /// The name of the resource type, `User`.
  public let name: String
  /// Where its resources are, below the base URL: `/Users`.
  public let endpoint: String
  public let description: String
  public let core: SchemaDefinition
  public let extensions: [SchemaDefinition]

  /// The top-level attributes of a resource in the order in which it shows them; `meta` is not among them, since it is last.
  let topLevel: [AttributeDefinition]
  /// Whether it has stored attributes that are not returned unless they are asked for, or never.
  let hidesAttributes: Bool

  init(name: String, endpoint: String, description: String, core: SchemaDefinition, extensions: [SchemaDefinition]) {
    self.name = name
    self.endpoint = endpoint
    self.description = description
    self.core = core
    self.extensions = extensions
    self.topLevel = CommonAttributes.leading + core.attributes
    self.hidesAttributes = (topLevel + extensions.flatMap(\.attributes)).contains { definition in
      definition.isStored && ([definition] + definition.subAttributes).contains { $0.returned.isUnasked }
    }
  }

  /// The top-level attribute of that name, whatever its case; `meta` included.
  public func attribute(named name: String) -> AttributeDefinition? {
    if let index = topLevelIndex(of: name) { return topLevel[index] }
    return AttributeName.equal(name, CommonAttributes.meta.name) ? CommonAttributes.meta : nil
  }

  /// The extension with that URI.
  public func schemaExtension(_ uri: String) -> SchemaDefinition? {
    extensions.first { AttributeName.equal($0.id, uri) }
  }

  func topLevelIndex(of name: String) -> Int? {
    topLevel.firstIndex { AttributeName.equal($0.name, name) }
  }
}
