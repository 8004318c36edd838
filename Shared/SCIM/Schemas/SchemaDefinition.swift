/// A schema: a URI and the attributes it defines (RFC 7643 §7).
public struct SchemaDefinition: Sendable, Hashable {
  /// The URI: `urn:ietf:params:scim:schemas:core:2.0:User`.
  public let id: String
  /// The name for people.
  public let name: String
  /// The description for people.
  public let description: String
  /// The attributes, without the common ones.
  public var attributes: [AttributeDefinition] { table.definitions }
  private let table: AttributeTable

  /// Creates a schema.
  public init(id: String, name: String, description: String, attributes: [AttributeDefinition]) {
    self.id = id
    self.name = name
    self.description = description
    self.table = AttributeTable(attributes)
  }

  /// Returns the attribute with this name, which is compared without case.
  public func attribute(named name: String) -> AttributeDefinition? {
    table[name]
  }

  func adding(_ attribute: AttributeDefinition) -> SchemaDefinition {
    SchemaDefinition(id: id, name: name, description: description, attributes: attributes + [attribute])
  }
}

/// A look-up table of attributes by name, without case.
///
/// With a few dozen attributes, a scan over lengths and first letters is faster than hashing.
struct AttributeTable: Sendable, Hashable {
  let definitions: [AttributeDefinition]
  private let keys: [UInt16]

  init(_ definitions: [AttributeDefinition]) {
    self.definitions = definitions
    keys = definitions.map { Self.key($0.name) }
  }

  subscript(name: String) -> AttributeDefinition? { index(of: name).map { definitions[$0] } }

  func index(of name: String) -> Int? {
    let key = Self.key(name)
    for index in keys.indices where keys[index] == key && AttributeName.equal(definitions[index].name, name) { return index }
    return nil
  }

  private static func key(_ name: String) -> UInt16 {
    UInt16(truncatingIfNeeded: name.utf8.count) << 8 | UInt16((name.utf8.first ?? 0) | 0x20)
  }
}
