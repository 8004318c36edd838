import SCIM
import Testing

@Suite("Resources as clients send them")
struct DocumentTests {
  @Test("A user keeps the sent attributes in the schema's order and spelling, without read-only ones and the password")
  func canonical() throws {
    let user = try Sample.user(
      #"""
      "ID":"theirs","Active":true,"password":"junk","groups":[],"meta":{"version":"x"},"displayName":"Ana López","nonsense":1,
      "externalId":"00u1","title":null,"emails":[{"value":"Ana@Example.com","primary":true}]
      """#)
    #expect(
      String(decoding: user.json(), as: UTF8.self)
        == #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"00u1","userName":"ana@example.com","#
        + #""displayName":"Ana López","active":true,"emails":[{"value":"Ana@Example.com","primary":true}]}"#)
    #expect(user.email == "Ana@Example.com")
  }

  @Test("A validated document that is sent as JSON is the same without a second validation")
  func validated() throws {
    let user = try Sample.user(
      #"""
      "Active":true,"displayName":"Ana López","externalId":"","emails":[{"VALUE":"a@example.com","primary":true}],"secodaRole":"editor",
      "name":{"familyName":"López"},"\#(Sample.enterprise)":{"department":"Data"}
      """#)
    #expect(UserDocument(validated: try JSON(parsing: user.json()), schemas: Sample.schemas) == user)
    #expect(try UserDocument(JSON(parsing: user.json()), schemas: Sample.schemas) == user)
    #expect(UserDocument(validated: [], schemas: Sample.schemas) == nil)
    for members in ["", #""members":[{"value":"a"},{"value":"b"},{"value":"a"}],"externalId":"7""#] {
      let group = try Sample.group(members)
      #expect(try GroupDocument(validated: JSON(parsing: group.json())) == group)
    }
    #expect(refusal { _ = try GroupDocument(validated: Sample.json(#"{"displayName":"a","members":[{"value":1}]}"#)) }?.status == 400)
  }

  @Test("An open document, which has no meta yet, can be completed and parsed")
  func openDocument() throws {
    let user = try Sample.user(#""displayName":"Ana""#)
    let open = user.openDocument(id: "7f", created: "2026-01-31T08:00:00.000Z")
    #expect(try JSON(parsing: open + Array("}}".utf8)).object?["meta"]?.object?["resourceType"] == "User")
    #expect(try UserDocument(openDocument: open, schemas: Sample.schemas) == user)
  }

  @Test(
    "An error in a user names the attribute",
    arguments: [
      (#""emails":"x""#, "emails must be an array"), (#""active":"yes""#, "active must be true or false"),
      (#""emails":[{"value":1}]"#, "emails[0].value must be a string"),
      (#""emails":[{"value":"a","primary":true},{"value":"b","primary":true}]"#, "more than one value with primary"),
      (#""displayName":"a","DisplayName":"b""#, "twice"), (#""name":"Ana""#, "name must be an object"),
    ])
  func refused(attributes: String, expected: String) {
    let error = refusal { _ = try Sample.user(attributes) }
    #expect(error?.status == 400)
    #expect(error?.detail.contains(expected) == true, "\(String(describing: error))")
  }

  @Test("A user without userName is rejected with advice on the mapping")
  func missingUserName() {
    let error = refusal {
      _ = try UserDocument(
        Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"active":true}"#), schemas: Sample.schemas)
    }
    #expect(error?.scimType == .invalidValue)
    #expect(error?.detail.contains("userName is required") == true)
  }

  @Test(
    "The role is accepted at the top level and under the namespace",
    arguments: [#""secodaRole":"editor""#, #""urn:ietf:params:scim:schemas:core:2.0:User":{"secodaRole":"editor"}"#])
  func role(attributes: String) throws {
    #expect(try Sample.user(attributes).role == "editor")
  }

  @Test("A group's members have no duplicates and are separate from its attributes")
  func members() throws {
    let group = try Sample.group(#""members":[{"value":"a","display":"Ana"},{"value":"b"},{"value":"a"}]"#)
    #expect(group.members.map(\.value) == ["a", "b"])
    #expect(group.attributes["members"] == nil)
  }

  @Test("A member without an id is rejected, not ignored", arguments: [#"{"display":"Ana"}"#, #"{"value":""}"#, "{}"])
  func memberWithoutID(member: String) {
    let error = refusal { _ = try Sample.group(#""members":[{"value":"a"},\#(member)]"#) }
    #expect(error?.detail.contains("members[1].value must be the id of a user") == true)
  }

  @Test("A nested group as a member is rejected with the reason")
  func nestedGroup() {
    #expect(refusal { _ = try Sample.group(#""members":[{"value":"a","type":"Group"}]"#) }?.detail.contains("members are users") == true)
  }
}
