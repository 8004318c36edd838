import Models
import SCIM
import SCIMStorage
import Testing

@Suite("Custom schemas of a workspace")
struct ExtensionTests {
  private static let urn = "urn:example:scim:schemas:acme:2.0:User"

  private static func settings(_ extensions: [SchemaExtension]) -> WorkspaceSettings {
    WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
      customRoles: ["Analyst"], extensions: extensions)
  }

  private static let acme = SchemaExtension(
    id: urn, name: "Acme",
    attributes: [
      .init(name: "badge", type: .integer, mutability: .immutable), .init(name: "scores", type: .decimal, multiValued: true),
      .init(name: "remote", type: .boolean), .init(name: "since", type: .dateTime), .init(name: "nick", caseExact: true),
      .init(
        name: "desks", type: .complex, multiValued: true,
        subAttributes: [
          .init(name: "value", required: true), .init(name: "floor", type: .integer), .init(name: "primary", type: .boolean),
          .init(name: "picture", type: .binary),
        ]),
    ])

  private static let schemas = settings([
    acme,
    SchemaExtension(
      id: "urn:example:scim:schemas:acme:2.0:Group", name: "AcmeGroup", resourceType: .group,
      attributes: [.init(name: "cost", type: .decimal)]),
  ]
  ).schemas

  private static let data =
    #""\#(urn)":{"badge":7,"scores":[1,2.50],"remote":true,"since":"2026-01-31T08:00:00+01:00","nick":"Ana","desks":[{"value":"4a","floor":4}]}"#

  private func user(_ attributes: String) throws -> UserDocument {
    try UserDocument(
      Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a",\#(attributes)}"#), schemas: Self.schemas)
  }

  @Test("Attributes are returned as sent, and the URN is in schemas")
  func roundTrip() throws {
    let user = try user(Self.data)
    #expect(String(decoding: user.json(), as: UTF8.self).hasSuffix(Self.data + "}"))
    #expect(user.attributes["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User", .string(Self.urn)])
  }

  @Test(
    "An invalid value is rejected with the attribute's path",
    arguments: [
      (#"{"badge":"x"}"#, "\(urn):badge must be a whole number, found the string \"x\""), (#"{"badge":1.5}"#, "must be a whole number"),
      (#"{"scores":1}"#, "\(urn):scores must be an array"), (#"{"scores":[1e9999]}"#, "must be a number of at most"),
      (#"{"scores":[1,"2"]}"#, "\(urn):scores[1] must be a number"),
      (#"{"since":"yesterday"}"#, "\(urn):since must be a time"), (#"{"desks":[{"floor":4}]}"#, "\(urn):desks[0].value is required"),
      (#"{"desks":[{"value":"a","picture":"?"}]}"#, "\(urn):desks[0].picture must be base64"), ("7", "\(urn) must be an object"),
      (#"{"desks":[{"value":"a","primary":true},{"value":"b","primary":true}]}"#, "\(urn):desks has more than one value with primary"),
    ])
  func refused(value: String, expected: String) {
    let error = refusal { _ = try user(#""\#(Self.urn)":\#(value)"#) }
    #expect(error?.scimType == .invalidValue)
    #expect(error?.detail.contains(expected) == true, "\(String(describing: error))")
  }

  @Test(
    "A filter can use the extension",
    arguments: [
      (#"\#(urn):badge eq 7"#, true), (#"\#(urn):badge gt 7"#, false), (#"\#(urn):scores eq 2.5"#, true),
      (#"\#(urn):nick eq "ana""#, false),
      (#"\#(urn):since lt "2026-01-31T07:30:00Z""#, true), (#"\#(urn):desks[floor ge 4].value sw "4""#, true),
      (#"\#(urn):remote eq true"#, true),
    ])
  func filter(text: String, expected: Bool) throws {
    #expect(try Filter(parsing: text).typed(for: Self.schemas.user).matches(user(Self.data).attributes) == expected)
  }

  @Test(
    "A PATCH can change the extension",
    arguments: [
      (#"{"op":"add","path":"\#(urn):scores","value":[3,1]}"#, #"{"badge":7,"scores":[1,2,3]}"#),
      (#"{"op":"remove","path":"\#(urn):scores[value lt 2]"}"#, #"{"badge":7,"scores":[2]}"#),
      (#"{"op":"add","value":{"\#(urn)":{"desks":[{"value":"4a"}]}}}"#, #"{"badge":7,"scores":[1,2],"desks":[{"value":"4a"}]}"#),
      (
        #"{"op":"add","path":"\#(urn):desks[value eq \"4a\"].floor","value":4}"#,
        #"{"badge":7,"scores":[1,2],"desks":[{"value":"4a","floor":4}]}"#
      ),
      (#"{"op":"replace","path":"\#(urn):remote","value":false}"#, #"{"badge":7,"scores":[1,2],"remote":false}"#),
      (#"{"op":"replace","path":"\#(urn):badge","value":7}"#, #"{"badge":7,"scores":[1,2]}"#),
    ])
  func patch(operation: String, after: String) throws {
    let patch = try Sample.patch(operation)
    try patch.check(against: Self.schemas.user)
    let changed = try patch.applied(to: user(#""\#(Self.urn)":{"badge":7,"scores":[1,2]}"#), schemas: Self.schemas)
    #expect(changed.attributes[Self.urn] == (try Sample.json(after)))
  }

  @Test(
    "An immutable attribute can be set, but not changed or removed",
    arguments: [
      #"{"op":"replace","path":"\#(urn):badge","value":8}"#, #"{"op":"remove","path":"\#(urn):badge"}"#,
      #"{"op":"remove","path":"\#(urn)"}"#,
    ])
  func immutable(operation: String) throws {
    let set = try Sample.patch(#"{"op":"add","path":"\#(Self.urn):badge","value":7}"#).applied(
      to: user(#""active":true"#), schemas: Self.schemas)
    let error = refusal { _ = try Sample.patch(operation).applied(to: set, schemas: Self.schemas) }
    #expect(error?.scimType == .mutability)
  }

  @Test("A PUT keeps immutable attributes that it does not contain")
  func immutableReplacement() throws {
    let stored = try user(Self.data).openDocument(id: "1", created: "2026-01-31T08:00:00.000Z")
    let replaced = try user(#""title":"t""#).replacing(openDocument: stored, schemas: Self.schemas)
    #expect(replaced.attributes[Self.urn] == ["badge": 7])
    #expect(replaced.attributes["schemas"]?.array?.count == 2)
    #expect(
      refusal { _ = try user(#""\#(Self.urn)":{"badge":8}"#).replacing(openDocument: stored, schemas: Self.schemas) }?.scimType
        == .mutability)
  }

  @Test("A stored user can be read after its extension was removed, or an attribute has changed its type")
  func changedSchemas() throws {
    let stored = try user(Self.data).openDocument(id: "1", created: "2026-01-31T08:00:00.000Z")
    let without = try UserDocument(openDocument: stored, schemas: Self.settings([]).schemas)
    #expect(without.attributes[Self.urn] == nil)
    #expect(without.attributes["schemas"]?.array?.count == 1)
    let other = SchemaExtension(
      id: Self.urn, name: "Acme", attributes: [.init(name: "badge", type: .string), .init(name: "remote", type: .boolean)])
    #expect(try UserDocument(openDocument: stored, schemas: Self.settings([other]).schemas).attributes[Self.urn] == ["remote": true])
  }

  @Test("Numbers and booleans that a provider sends as text are converted")
  func normalised() throws {
    let body = try Sample.json(#"{"userName":"a","\#(Self.urn)":{"badge":"7","scores":["1",2.5],"remote":"False","nick":7}}"#)
    let normalised = Normaliser(profile: .entra, userAgent: nil, schemas: Self.schemas).user(body)
    #expect(
      try UserDocument(normalised.json, schemas: Self.schemas).attributes[Self.urn]
        == Sample.json(#"{"badge":7,"scores":[1,2.5],"remote":false,"nick":"7"}"#))
    #expect(normalised.applied == ["missing-schemas", "text-for-boolean", "text-for-number", "number-for-text"])
  }

  @Test("Discovery lists the schema and the extension of the resource type, and the custom roles as canonical values")
  func discovery() throws {
    let discovery = Discovery(schemas: Self.schemas)
    let schema = try #require(discovery.schema(Self.urn, baseURL: "https://a")?.object)
    let attributes = (schema["attributes"]?.array ?? []).compactMap(\.object)
    #expect(attributes.map { $0["name"]?.string } == ["badge", "scores", "remote", "since", "nick", "desks"])
    #expect(attributes[0]["mutability"] == "immutable")
    #expect(attributes[5]["subAttributes"]?.array?.count == 4)
    let type = try #require(discovery.resourceType("User", baseURL: "https://a")?.object)
    #expect(type["schemaExtensions"]?.array?.compactMap { $0.object?["schema"]?.string } == [Sample.enterprise, Self.urn])
    let user = try #require(discovery.schema("urn:ietf:params:scim:schemas:core:2.0:User", baseURL: "https://a")?.object)
    let role = user["attributes"]?.array?.compactMap(\.object).first { $0["name"] == "secodaRole" }
    #expect(role?["canonicalValues"] == ["admin", "editor", "viewer", "Analyst"])
  }

  @Test(
    "An invalid schema is rejected with an explanation",
    arguments: [
      (SchemaExtension(id: "acme", name: "A", attributes: [.init(name: "a")]), "urn:NAMESPACE:NAME"),
      (SchemaExtension(id: "urn:acme:a b", name: "A", attributes: [.init(name: "a")]), "urn:NAMESPACE:NAME"),
      (SchemaExtension(id: "urn:acme:2.0", name: "A", attributes: [.init(name: "a")]), "urn:NAMESPACE:NAME"),
      (SchemaExtension(id: Sample.enterprise, name: "A", attributes: [.init(name: "a")]), "another schema"),
      (SchemaExtension(id: "URN:ietf:params:scim:schemas:core:2.0:Thing", name: "A", attributes: [.init(name: "a")]), "keeps for itself"),
      (SchemaExtension(id: urn, name: "A", attributes: []), "0 attributes"),
      (SchemaExtension(id: urn, name: "A", attributes: [.init(name: "1a")]), "'1a'"),
      (SchemaExtension(id: urn, name: "A", attributes: [.init(name: "a.b")]), "'a.b'"),
      (SchemaExtension(id: urn, name: "A", attributes: [.init(name: "a"), .init(name: "A")]), "two attributes named 'A'"),
      (SchemaExtension(id: urn, name: "A", attributes: [.init(name: "a", type: .complex)]), "complex attribute a with 0"),
      (SchemaExtension(id: urn, name: "A", attributes: [.init(name: "a", subAttributes: [.init(name: "b")])]), "not complex"),
      (
        SchemaExtension(
          id: urn, name: "A",
          attributes: [
            .init(name: "a", type: .complex, subAttributes: [.init(name: "b", type: .complex, subAttributes: [.init(name: "c")])])
          ]),
        "a.b inside of a complex"
      ),
    ])
  func invalid(schemaExtension: SchemaExtension, mention: String) {
    let error = refusal { try Self.settings([schemaExtension]).checkExtensions() }
    #expect(error?.scimType == .invalidValue)
    #expect(error?.detail.contains(mention) == true, "\(String(describing: error))")
  }

  @Test("Two schemas with the same URN are rejected")
  func uniqueness() throws {
    #expect(refusal { try Self.settings([Self.acme, Self.acme]).checkExtensions() }?.detail.contains("twice") == true)
    try Self.settings([Self.acme]).checkExtensions()
  }
}
