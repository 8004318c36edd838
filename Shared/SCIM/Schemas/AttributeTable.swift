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
