/// A schema: a URI and the attributes it defines (RFC 7643 §7).
public struct SchemaDefinition: Sendable, Hashable {
  /// The URI, `urn:ietf:params:scim:schemas:core:2.0:User`.
  public let id: String
  public let name: String
  public let description: String
  public var attributes: [AttributeDefinition] { table.definitions }
  private let table: AttributeTable

  public init(id: String, name: String, description: String, attributes: [AttributeDefinition]) {
    self.id = id
    self.name = name
    self.description = description
    self.table = AttributeTable(attributes)
  }

  /// The attribute of that name, whatever its case.
  public func attribute(named name: String) -> AttributeDefinition? {
    table[name]
  }

  func adding(_ attribute: AttributeDefinition) -> SchemaDefinition {
    SchemaDefinition(id: id, name: name, description: description, attributes: attributes + [attribute])
  }
}
