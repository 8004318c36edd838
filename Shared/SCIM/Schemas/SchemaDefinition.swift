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

/// Definitions that are found by their names, whatever the case.
///
/// A scan over lengths and first letters finds one among a few dozen faster than hashing the name would.
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
