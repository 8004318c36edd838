/// What a kind of resource may hold: the attributes of its schema, of the schema's extensions, and the common ones.
public struct ResourceSchema: Sendable, Hashable {
  /// The name of the resource type, `User`.
  public let name: String
  /// Where its resources are, below the base URL: `/Users`.
  public let endpoint: String
  public let description: String
  public let core: SchemaDefinition
  public let extensions: [SchemaDefinition]
  /// The name of the attribute that carries the product's role, where these resources have one.
  let roleAttribute: String?

  /// The top-level attributes of a resource in the order in which it shows them; `meta` is not among them, since it is last.
  var topLevel: [AttributeDefinition] { table.definitions }
  private let table: AttributeTable
  /// The attributes of the resource's own schema that have to be there.
  let required: [AttributeDefinition]
  /// The attributes that can be set only once.
  let immutables: [AttributeLocation]
  /// Whether it has stored attributes that are not returned unless they are asked for, or never.
  let hidesAttributes: Bool

  init(
    name: String, endpoint: String, description: String, core: SchemaDefinition, extensions: [SchemaDefinition],
    roleAttribute: String? = nil
  ) {
    self.name = name
    self.endpoint = endpoint
    self.description = description
    self.core = core
    self.extensions = extensions
    self.roleAttribute = roleAttribute
    self.table = AttributeTable(CommonAttributes.leading + core.attributes)
    self.required = core.attributes.filter(\.isRequired)
    self.immutables =
      core.attributes.filter { $0.mutability == .immutable }.map { AttributeLocation(schemaExtension: nil, definition: $0) }
      + extensions.flatMap { schemaExtension in
        schemaExtension.attributes.filter { $0.mutability == .immutable }
          .map { AttributeLocation(schemaExtension: schemaExtension.id, definition: $0) }
      }
    self.hidesAttributes = (table.definitions + extensions.flatMap(\.attributes)).contains { definition in
      definition.isStored && ([definition] + definition.subAttributes).contains { $0.returned.isUnasked }
    }
  }

  /// The top-level attribute of that name, whatever its case; `meta` included.
  public func attribute(named name: String) -> AttributeDefinition? {
    if let definition = table[name] { return definition }
    return AttributeName.equal(name, CommonAttributes.meta.name) ? CommonAttributes.meta : nil
  }

  /// The extension with that URI.
  public func schemaExtension(_ uri: String) -> SchemaDefinition? {
    extensions.first { AttributeName.equal($0.id, uri) }
  }

  func topLevelIndex(of name: String) -> Int? {
    table.index(of: name)
  }
}
