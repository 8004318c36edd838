import Models
import SCIMStorage
import Testing

@testable import SCIM

/// The behaviour of attributes is as `/Schemas` describes it.
@Suite("Every attribute of the schemas")
struct SchemaClaimTests {
  private static let settings = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
    extensions: [
      SchemaExtension(
        id: "urn:example:scim:schemas:acme:2.0:User", name: "Acme",
        attributes: SchemaExtension.Attribute.DataType.allCases.flatMap { type in
          let parts: [SchemaExtension.Attribute] = type == .complex ? [.init(name: "value", type: .integer), .init(name: "note")] : []
          return [
            SchemaExtension.Attribute(name: "one_\(type.rawValue)", type: type, subAttributes: parts),
            SchemaExtension.Attribute(name: "many_\(type.rawValue)", type: type, multiValued: true, subAttributes: parts),
          ]
        })
    ])
  private static let schemas = settings.schemas
  private static let schema = schemas.user

  /// The attributes that a client may write and read, by their paths.
  private static let attributes: [(path: String, location: AttributeLocation)] = {
    let core = schema.topLevel.map { AttributeLocation(schemaExtension: nil, definition: $0) }
    let extensions = schema.extensions.flatMap { of in of.attributes.map { AttributeLocation(schemaExtension: of.id, definition: $0) } }
    return (core + extensions).filter { $0.definition.isStored && $0.definition.name != "schemas" }.map { ($0.description, $0) }
  }()

  @Test("can be added, replaced and removed by its path, and is returned completely", arguments: attributes.map(\.path))
  func patched(path: String) throws {
    let location = try #require(Self.attributes.first { $0.path == path }?.location)
    let minimal = try Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com"}"#)
    var user = try UserDocument(minimal, schemas: Self.schemas)
    for (op, seed) in [("add", 1), ("replace", 2), ("add", 3)] where op == "replace" || seed == 1 || !location.definition.isMultiValued {
      let value = Self.value(of: location.definition, seed)
      user = try patch(op, path, value).applied(to: user, schemas: Self.schemas)
      #expect(location.value(in: user.attributes) == value)
      let open = user.openDocument(id: "1", created: "2026-01-31T08:00:00.000Z")
      #expect(try UserDocument(openDocument: open, schemas: Self.schemas) == user, "the stored user round-trips")
      #expect(try UserDocument(JSON(parsing: user.json()), schemas: Self.schemas) == user, "a PUT of it changes nothing")
    }
    // `active` cannot be removed, although a POST does not require it.
    guard !location.definition.isRequired, path != "active" else {
      #expect(refusal { _ = try patch("remove", path, nil).applied(to: user, schemas: Self.schemas) }?.scimType == .mutability)
      return
    }
    user = try patch("remove", path, nil).applied(to: user, schemas: Self.schemas)
    #expect(location.value(in: user.attributes) == nil)
    #expect(user.attributes.count == 2, "no other attribute remains")
  }

  @Test("can be posted together with all others, and is returned completely")
  func posted() throws {
    var body: JSONObject = ["schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]]
    for (_, location) in Self.attributes { location.set(Self.value(of: location.definition, 1), in: &body) }
    let user = try UserDocument(.object(body), schemas: Self.schemas)
    for (path, location) in Self.attributes { #expect(location.value(in: user.attributes) == location.value(in: body), "\(path)") }
    #expect(user.attributes["schemas"]?.array?.count == 3)
  }

  @Test("rejects a value of another type with its path", arguments: attributes.map(\.path))
  func wrongType(path: String) throws {
    let location = try #require(Self.attributes.first { $0.path == path }?.location)
    var body: JSONObject = ["schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a"]
    let wrong: JSON = location.definition.type == .boolean ? "yes" : true
    location.set(location.definition.isMultiValued ? [wrong] : wrong, in: &body)
    let error = refusal { _ = try UserDocument(.object(body), schemas: Self.schemas) }
    #expect(error?.scimType == .invalidValue)
    #expect(error?.detail.hasPrefix(location.definition.isMultiValued ? "\(path)[0] must be" : "\(path) must be") == true)
  }

  private func patch(_ op: String, _ path: String, _ value: JSON?) throws -> Patch {
    var operation: JSONObject = ["op": .string(op), "path": .string(path)]
    if let value { operation["value"] = value }
    return try Patch(["schemas": [.string(MessageSchema.patchOperation)], "Operations": [.object(operation)]])
  }

  private static func value(of definition: AttributeDefinition, _ seed: Int) -> JSON {
    definition.isMultiValued ? [single(of: definition, seed)] : single(of: definition, seed)
  }

  private static func single(of definition: AttributeDefinition, _ seed: Int) -> JSON {
    switch definition.type {
    case .string: .string(definition.canonicalValues.first ?? "\(definition.name) \(seed)")
    case .boolean: .bool(!seed.isMultiple(of: 2))
    case .integer: .integer(Int64(seed))
    case .decimal: .decimal("\(seed).50")
    case .dateTime: .string("2026-01-0\(seed)T08:00:00+01:00")
    case .binary: .string("aGVsbG\(seed)=")
    case .reference: .string("https://example.com/\(seed)")
    case .complex:
      .object(
        definition.subAttributes.filter(\.isStored).reduce(into: JSONObject()) { parts, part in parts[part.name] = value(of: part, seed) })
    }
  }
}
