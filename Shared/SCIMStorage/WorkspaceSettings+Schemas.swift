import Models
import SCIM

extension WorkspaceSettings {
  /// The schemas of this workspace: the standard schemas, the role attribute and the workspace's extensions.
  public var schemas: ResourceSchemas {
    ResourceSchemas(
      roleAttribute: roleAttribute, roles: roles, userExtensions: definitions(of: .user), groupExtensions: definitions(of: .group))
  }

  /// Checks the workspace's own extensions.
  ///
  /// - Throws: `invalidValue` with the extension, the attribute, the error and what would be valid.
  public func checkExtensions() throws(SCIMError) {
    guard extensions.count <= Self.maximumExtensions else {
      throw .badRequest(.invalidValue, "A workspace may have \(Self.maximumExtensions) extensions; found \(extensions.count).")
    }
    for (index, schemaExtension) in extensions.enumerated() {
      // Each extension is checked against the standard schemas and the extensions before it.
      var before = self
      before.extensions = Array(extensions[..<index])
      guard !before.extensions.contains(where: { $0.id.lowercased() == schemaExtension.id.lowercased() }) else {
        throw .badRequest(.invalidValue, "The extension \(schemaExtension.id.prefix(200)) is there twice.")
      }
      let schemas = before.schemas
      try SchemaDefinition(schemaExtension).checkAsExtension(
        of: schemaExtension.resourceType == .user ? schemas.user : schemas.group)
    }
  }

  private static let maximumExtensions = 20

  private func definitions(of resourceType: SchemaExtension.ResourceType) -> [SchemaDefinition] {
    extensions.filter { $0.resourceType == resourceType }.map { SchemaDefinition($0) }
  }
}

extension SchemaDefinition {
  /// Converts an extension of a workspace's settings.
  init(_ schemaExtension: SchemaExtension) {
    self.init(
      id: schemaExtension.id, name: schemaExtension.name, description: schemaExtension.description,
      attributes: schemaExtension.attributes.map { AttributeDefinition($0) })
  }
}

extension AttributeDefinition {
  fileprivate init(_ attribute: SchemaExtension.Attribute) {
    self.init(
      attribute.name, DataType(attribute.type), multiValued: attribute.multiValued, description: attribute.description,
      required: attribute.required, caseExact: attribute.caseExact,
      mutability: attribute.mutability == .immutable ? .immutable : .readWrite,
      canonicalValues: attribute.canonicalValues,
      referenceTypes: attribute.type == .reference && attribute.referenceTypes.isEmpty ? ["uri"] : attribute.referenceTypes,
      subAttributes: attribute.subAttributes.map { AttributeDefinition($0) })
  }
}

extension AttributeDefinition.DataType {
  fileprivate init(_ type: SchemaExtension.Attribute.DataType) {
    switch type {
    case .string: self = .string
    case .boolean: self = .boolean
    case .decimal: self = .decimal
    case .integer: self = .integer
    case .dateTime: self = .dateTime
    case .binary: self = .binary
    case .reference: self = .reference
    case .complex: self = .complex
    }
  }
}
