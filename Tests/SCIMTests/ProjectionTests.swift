import Testing

@testable import SCIM

@Suite("attributes and excludedAttributes (RFC 7644 §3.9)")
struct ProjectionTests {
  private func projected(_ attributes: String?, _ excluded: String?) throws -> String {
    let resource = try Sample.json(
      #"""
      {"schemas":["u"],"id":"1","userName":"a","name":{"givenName":"b","familyName":"c"},"emails":[{"value":"d","type":"work"},{"value":"e"}],
      "\#(Sample.enterprise)":{"department":"f","division":"g"},"meta":{"resourceType":"User"}}
      """#)
    let projection = try Projection(attributes: attributes, excluded: excluded, schema: Sample.schemas.user)
    return String(decoding: projection.apply(to: try #require(resource.object)).serialized(), as: UTF8.self)
  }

  @Test(
    "A response has the requested attributes and those that are always returned",
    arguments: [
      ("userName", #"{"schemas":["u"],"id":"1","userName":"a"}"#), ("USERNAME, nonsense", #"{"schemas":["u"],"id":"1","userName":"a"}"#),
      ("name.givenName", #"{"schemas":["u"],"id":"1","name":{"givenName":"b"}}"#),
      ("name.familyName,name.givenName", #"{"schemas":["u"],"id":"1","name":{"familyName":"c","givenName":"b"}}"#),
      ("emails.value", #"{"schemas":["u"],"id":"1","emails":[{"value":"d"},{"value":"e"}]}"#),
      ("\(Sample.enterprise):department", #"{"schemas":["u"],"id":"1","\#(Sample.enterprise)":{"department":"f"}}"#),
      ("meta", #"{"schemas":["u"],"id":"1","meta":{"resourceType":"User"}}"#),
    ])
  func wanted(attributes: String, expected: String) throws {
    #expect(try projected(attributes, nil) == expected)
  }

  @Test("Excluded attributes are omitted unless they are always returned")
  func excluded() throws {
    #expect(
      try projected(nil, "id,schemas,name,emails,meta,\(Sample.enterprise):division")
        == #"{"schemas":["u"],"id":"1","userName":"a","\#(Sample.enterprise)":{"department":"f"}}"#)
  }

  @Test("Members are not read unless they are requested")
  func includes() throws {
    let schema = Sample.schemas.group
    #expect(try Projection(attributes: nil, excluded: "members", schema: schema).includes("members") == false)
    #expect(try Projection(attributes: "displayName", excluded: nil, schema: schema).includes("members") == false)
    #expect(try Projection(attributes: "members.value", excluded: nil, schema: schema).includes("members"))
    #expect(try Projection(attributes: nil, excluded: nil, schema: schema).isWhole)
  }

  @Test(
    "Attributes with 'returned' request are returned only on request, and those with never are not returned",
    arguments: [
      (nil, nil, #"{"id":"1","shown":"a","part":{"shown":"d"}}"#), (nil, "shown", #"{"id":"1","part":{"shown":"d"}}"#),
      ("onRequest", nil, #"{"id":"1","onRequest":"b"}"#), ("secret,onRequest", nil, #"{"id":"1","onRequest":"b"}"#),
      ("part", nil, #"{"id":"1","part":{"shown":"d"}}"#), ("part.onRequest", nil, #"{"id":"1","part":{"onRequest":"e"}}"#),
      ("part.secret", nil, #"{"id":"1"}"#), (nil, "id", #"{"id":"1","shown":"a","part":{"shown":"d"}}"#),
    ] as [(String?, String?, String)])
  func returned(attributes: String?, excluded: String?, expected: String) throws {
    let parts: [AttributeDefinition] = [
      AttributeDefinition("shown", .string, description: ""),
      AttributeDefinition("onRequest", .string, description: "", returned: .request),
      AttributeDefinition("secret", .string, description: "", returned: .never),
    ]
    let core = SchemaDefinition(
      id: "urn:example:Thing", name: "Thing", description: "",
      attributes: parts + [AttributeDefinition("part", .complex, description: "", subAttributes: parts)])
    let schema = ResourceSchema(name: "Thing", endpoint: "/Things", description: "", core: core, extensions: [])
    let resource = try Sample.json(
      #"{"id":"1","shown":"a","onRequest":"b","secret":"c","part":{"shown":"d","onRequest":"e","secret":"f"}}"#)
    let projection = try Projection(attributes: attributes, excluded: excluded, schema: schema)
    #expect(!projection.isWhole)
    #expect(String(decoding: projection.apply(to: try #require(resource.object)).serialized(), as: UTF8.self) == expected)
  }

  @Test("Both parameters together are rejected")
  func both() {
    #expect(refusal { _ = try projected("a", "b") }?.scimType == .invalidValue)
  }
}

@Suite("Discovery")
struct DiscoveryTests {
  private let discovery = Discovery(schemas: ResourceSchemas(roleAttribute: "productRole"))

  @Test("The role attribute of the workspace is in the User schema")
  func roleAttribute() throws {
    let schema = try #require(discovery.schema("urn:ietf:params:scim:schemas:core:2.0:User", baseURL: "https://a/scim"))
    let names = (schema.object?["attributes"]?.array ?? []).compactMap { $0.object?["name"]?.string }
    #expect(names.contains("productRole"))
    #expect(!names.contains("secodaRole"))
    #expect(names.contains("userName"))
  }

  @Test("Each resource type has a schema and an endpoint, and can be looked up")
  func resourceTypes() throws {
    let types = discovery.resourceTypes(baseURL: "https://a/scim").compactMap(\.object)
    #expect(types.map { $0["endpoint"] } == ["/Users", "/Groups"])
    for type in types {
      #expect(discovery.schema(try #require(type["schema"]?.string), baseURL: "https://a/scim") != nil)
      #expect(discovery.resourceType(try #require(type["name"]?.string), baseURL: "https://a/scim") == .object(type))
    }
    #expect(discovery.schema("urn:none", baseURL: "") == nil)
  }
}
