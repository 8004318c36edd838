/// The schema of a resource type: the core schema, its extensions, and the common attributes.
///
/// An object, since all requests of a workspace share it.
public final class ResourceSchema: Sendable {
  /// The name of the resource type: `User`.
  public let name: String
  /// The path of the endpoint relative to the base URL: `/Users`.
  public let endpoint: String
  /// The description for people.
  public let description: String
  /// The core schema.
  public let core: SchemaDefinition
  /// The extensions of the core schema.
  public let extensions: [SchemaDefinition]
  /// The name of the attribute that contains the product role; nil for groups.
  let roleAttribute: String?

  /// The top-level attributes in the order of a resource, without `meta`, which is last.
  var topLevel: [AttributeDefinition] { table.definitions }
  private let table: AttributeTable
  /// The required attributes of the core schema.
  let required: [AttributeDefinition]
  /// The immutable attributes.
  let immutables: [AttributeLocation]
  /// Whether stored attributes exist that are not returned by default.
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

  /// Returns the top-level attribute with this name, which is compared without case; including `meta`.
  public func attribute(named name: String) -> AttributeDefinition? {
    if let definition = table[name] { return definition }
    return AttributeName.equal(name, CommonAttributes.meta.name) ? CommonAttributes.meta : nil
  }

  /// Returns the extension with this URI.
  public func schemaExtension(_ uri: String) -> SchemaDefinition? {
    extensions.first { AttributeName.equal($0.id, uri) }
  }

  func topLevelIndex(of name: String) -> Int? {
    table.index(of: name)
  }
}

extension ResourceSchema: Hashable {
  /// Whether two schemas define the same attributes.
  public static func == (left: ResourceSchema, right: ResourceSchema) -> Bool {
    left === right
      || (left.name == right.name && left.endpoint == right.endpoint && left.description == right.description && left.core == right.core
        && left.extensions == right.extensions && left.roleAttribute == right.roleAttribute)
  }

  /// Hashes what identifies the schema.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(core)
    hasher.combine(extensions)
  }
}
