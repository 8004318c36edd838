import SCIM
import Testing

@Suite("Unknown attributes")
struct UnknownAttributeTests {
  private static let core = "urn:ietf:params:scim:schemas:core:2.0:User"

  /// Applies a PATCH to a user as scim-api and identity-store do together.
  private func patched(_ operations: String, _ profile: ConnectionProfile, before: String = "") throws -> UserDocument {
    let patch = try Patch(Normaliser(profile: profile, userAgent: nil).userPatch(Sample.patchMessage(operations)))
    try patch.check(against: Sample.schemas.user)
    return try patch.applied(to: Sample.user(before), schemas: Sample.schemas)
  }

  @Test(
    "A PATCH of a user with one is rejected in every profile, and the error names it",
    arguments: [
      (#"{"op":"add","path":"emails[type eq \"work\"].valu","value":"a"}"#, #"emails[type eq "work"].valu is no"#),
      (#"{"op":"add","path":"emails.valu","value":"a"}"#, "Did you mean emails.value?"),
      (#"{"op":"replace","path":"name.nope","value":"a"}"#, "name.nope is no"),
      (#"{"op":"replace","path":"titel","value":"a"}"#, "Did you mean title?"),
      (#"{"op":"replace","path":"\#(Sample.enterprise):departmnt","value":"a"}"#, "Did you mean \(Sample.enterprise):department?"),
      (#"{"op":"replace","value":{"shoeSize":44}}"#, "shoeSize is no"),
      (#"{"op":"replace","value":{"title":"a","\#(Sample.enterprise):departmnt":"b"}}"#, "\(Sample.enterprise):departmnt is no"),
      (#"{"op":"replace","value":{"\#(Sample.enterprise)":{"departmnt":"b"}}}"#, "\(Sample.enterprise):departmnt is no"),
      (#"{"op":"replace","path":"\#(Sample.enterprise)","value":{"departmnt":"b"}}"#, "\(Sample.enterprise):departmnt is no"),
      (#"{"op":"replace","value":{"name":{"givenNam":"b"}}}"#, "Did you mean name.givenName?"),
      (#"{"op":"add","path":"emails","value":[{"value":"a","typ":"work"}]}"#, "Did you mean emails.type?"),
      (#"{"op":"replace","value":{"urn:example:other:2.0:User:shoeSize":44}}"#, "urn:example:other:2.0:User:shoeSize is no"),
      (#"{"op":"replace","value":{"urn:example:other:2.0:User":{"shoeSize":44}}}"#, "urn:example:other:2.0:User is no"),
      (#"{"op":"replace","value":{"\#(core)":{"shoeSize":44}}}"#, "shoeSize is no"),
      (#"{"op":"remove","path":"shoeSize"}"#, "shoeSize is no"),
      (#"{"op":"replace","path":"title","value":"a"},{"op":"replace","path":"shoeSize","value":44}"#, "Operations[1]: shoeSize"),
      (#"{"op":"remove","path":"emails[type.x eq \"work\"]"}"#, "no 'type.x' to filter by"),
    ])
  func refused(operations: String, mention: String) throws {
    for profile in ConnectionProfile.allCases {
      let error = refusal { _ = try patched(operations, profile) }
      #expect(error?.scimType == .invalidPath, "\(profile): \(String(describing: error))")
      #expect(error?.detail.contains(mention) == true, "\(profile): \(error?.detail ?? "")")
    }
  }

  @Test("A dotted name as a key, as Entra ID sends it with its compliance flag, is rejected if it is unknown")
  func dottedKey() throws {
    for profile in [ConnectionProfile.entra, .auto] {
      let error = refusal { _ = try patched(#"{"op":"replace","value":{"title":"a","name.nope":"b"}}"#, profile) }
      #expect(error?.scimType == .invalidPath)
      #expect(error?.detail.contains("name.nope") == true)
    }
  }

  @Test(
    "A PATCH of a group with one is rejected in every profile",
    arguments: [
      #"{"op":"replace","path":"description","value":"x"}"#, #"{"op":"replace","value":{"description":"x","displayName":"y"}}"#,
      #"{"op":"add","path":"members","value":[{"value":"a","email":"x"}]}"#, #"{"op":"remove","path":"owner"}"#,
    ])
  func group(operations: String) throws {
    for profile in ConnectionProfile.allCases {
      let error = refusal {
        let patch = try Patch(Normaliser(profile: profile, userAgent: nil).groupPatch(Sample.patchMessage(operations)))
        _ = try patch.applied(to: Sample.group(), schemas: Sample.schemas)
      }
      #expect(error?.scimType == .invalidPath, "\(profile): \(String(describing: error))")
    }
  }

  @Test("Passwords, ids and schemas, which identity providers send in PATCHes, are accepted")
  func tolerated() throws {
    let operation = #"{"op":"replace","value":{"schemas":["\#(Self.core)"],"id":"7","meta":{},"password":"x","title":"t"}}"#
    for profile in ConnectionProfile.allCases where profile != .strict {
      #expect(try patched(operation, profile).attributes["title"] == "t")
    }
  }

  @Test(
    "'schemas' inside an extension's object is accepted",
    arguments: [
      #"{"op":"add","path":"\#(Sample.enterprise)","value":{"schemas":["\#(Sample.enterprise)"],"department":"d"}}"#,
      #"{"op":"replace","value":{"\#(Sample.enterprise)":{"schemas":["\#(Sample.enterprise)"],"department":"d"}}}"#,
    ])
  func schemasOfExtension(operation: String) throws {
    for profile in ConnectionProfile.allCases {
      #expect(try patched(operation, profile).attributes[Sample.enterprise]?.object?["department"] == "d", "\(profile)")
    }
  }

  @Test("In a POST or PUT, unknown attributes are ignored")
  func resource() throws {
    let user = try Sample.user(#""shoeSize":44,"emails":[{"value":"a","kind":"x"}]"#)
    #expect(user.attributes["shoeSize"] == nil)
    #expect(user.attributes["emails"] == [["value": "a"]])
  }
}
