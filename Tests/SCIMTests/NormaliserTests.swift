import SCIM
import Testing

@Suite("Normalisation of requests")
struct NormaliserTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var fires: String
    var operations: String
    var expected: String
    var testDescription: String { fires }
  }

  @Test(
    "An operation of a user's PATCH is converted to the form of the RFC",
    arguments: [
      Case(fires: "upper-case-operation", operations: #"{"op":"Remove","path":"title"}"#, expected: #"{"op":"remove","path":"title"}"#),
      Case(
        fires: "text-for-boolean", operations: #"{"op":"replace","path":"active","value":"False"}"#,
        expected: #"{"op":"replace","path":"active","value":false}"#),
      Case(
        fires: "text-for-boolean", operations: #"{"op":"replace","value":{"active":"true"}}"#,
        expected: #"{"op":"replace","value":{"active":true}}"#),
      Case(
        fires: "read-only-in-patch-value", operations: #"{"op":"replace","value":{"id":"x","displayName":"y"}}"#,
        expected: #"{"op":"replace","value":{"displayName":"y"}}"#),
      Case(
        fires: "dotted-extension", operations: #"{"op":"add","path":"\#(Sample.enterprise).department","value":"x"}"#,
        expected: #"{"op":"add","path":"\#(Sample.enterprise):department","value":"x"}"#),
      Case(
        fires: "paths-as-keys",
        operations: #"{"op":"replace","value":{"displayName":"a","name.givenName":"b","\#(Sample.enterprise):employeeNumber":"c"}}"#,
        expected: #"{"op":"replace","value":{"displayName":"a","\#(Sample.enterprise):employeeNumber":"c"}},"#
          + #"{"op":"replace","path":"name.givenName","value":"b"}"#),
      Case(
        fires: "filtered-replace-creates", operations: #"{"op":"replace","path":"emails[type eq \"work\"].value","value":"a"}"#,
        expected: #"{"op":"add","path":"emails[type eq \"work\"].value","value":"a"}"#),
      Case(
        fires: "text-for-boolean-in-filter", operations: #"{"op":"add","path":"roles[primary eq \"True\"].value","value":"a"}"#,
        expected: #"{"op":"add","path":"roles[primary eq true].value","value":"a"}"#),
      Case(
        fires: "manager-as-text", operations: #"{"op":"add","path":"\#(Sample.enterprise):manager","value":"7"}"#,
        expected: #"{"op":"add","path":"\#(Sample.enterprise):manager","value":{"value":"7"}}"#),
      Case(
        fires: "manager-as-text", operations: #"{"op":"replace","path":"\#(Sample.enterprise):manager","value":""}"#,
        expected: #"{"op":"replace","path":"\#(Sample.enterprise):manager","value":null}"#),
      Case(
        fires: "single-object-for-array", operations: #"{"op":"add","path":"\#(Sample.enterprise):manager","value":[{"value":"7"}]}"#,
        expected: #"{"op":"add","path":"\#(Sample.enterprise):manager","value":{"value":"7"}}"#),
      Case(
        fires: "role-as-json-text",
        operations: #"{"op":"add","path":"roles","value":[{"value":"{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"Admins\"}"}]}"#,
        expected: #"{"op":"add","path":"roles","value":[{"value":"Admin","display":"Admins"}]}"#),
      Case(
        fires: "text-for-complex-value", operations: #"{"op":"add","path":"emails","value":"a@example.com"}"#,
        expected: #"{"op":"add","path":"emails","value":[{"value":"a@example.com"}]}"#),
    ])
  func patch(example: Case) throws {
    let normaliser = Normaliser(profile: .entra, userAgent: nil)
    let normalised = normaliser.userPatch(try Sample.patchMessage(example.operations))
    #expect(normalised.json == (try Sample.patchMessage(example.expected)))
    #expect(normalised.applied.contains(example.fires))
    #expect(normaliser.userPatch(normalised.json).applied.isEmpty, "normalisation is idempotent")
    let strict = Normaliser(profile: .strict, userAgent: nil).userPatch(try Sample.patchMessage(example.operations))
    #expect(strict.applied.isEmpty)
  }

  @Test("A removal by value removes only the given members, however many they are")
  func removalByValue() throws {
    let ids = (0..<1200).map { "id-\($0)" }
    let values = ids.map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
    let sent = try Sample.patchMessage(#"{"op":"Remove","path":"members","value":[\#(values)]}"#)
    let patch = try Patch(Normaliser(profile: .entra, userAgent: nil).groupPatch(sent).json)
    let removed = patch.mentionedMemberEdits.flatMap { edit -> [String] in if case .remove(let ids) = edit { ids } else { [] } }
    #expect(removed == ids)
    #expect(patch.mentionedMemberEdits.count == 3)
  }

  @Test(
    "A removal of an empty list removes nothing, alone or with other operations",
    arguments: ["", #",{"op":"replace","path":"displayName","value":"x"}"#])
  func removalOfNothing(others: String) throws {
    let sent = try Sample.patchMessage(#"{"op":"remove","path":"members","value":[]}\#(others)"#)
    let patch = try Patch(Normaliser(profile: .auto, userAgent: nil).groupPatch(sent).json)
    #expect(patch.mentionedMemberEdits == [.add([])])
  }

  @Test(
    "A resource is converted to the form of the RFC",
    arguments: [
      ("missing-schemas", #"{"userName":"a"}"#, #"{"userName":"a","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#),
      (
        "single-object-for-array", #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","emails":{"value":"b"}}"#,
        #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","emails":[{"value":"b"}]}"#
      ),
      (
        "text-for-boolean",
        #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","emails":[{"value":"b","primary":"True"}]}"#,
        #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","emails":[{"value":"b","primary":true}]}"#
      ),
    ])
  func resource(fires: String, sent: String, expected: String) throws {
    let normalised = Normaliser(profile: .onelogin, userAgent: nil).user(try Sample.json(sent))
    #expect(normalised.json == (try Sample.json(expected)))
    #expect(normalised.applied == [fires])
  }

  @Test("Entra ID's legacy group schema is tolerated")
  func legacySchema() throws {
    let sent = try Sample.json(
      #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group","http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],"displayName":"g"}"#
    )
    #expect(refusal { _ = try GroupDocument(sent, schemas: Sample.schemas) }?.scimType == .invalidValue)
    _ = try GroupDocument(Normaliser(profile: .auto, userAgent: nil).group(sent).json, schemas: Sample.schemas)
  }

  @Test(
    "The profile auto detects the sender by its User-Agent",
    arguments: [("Okta SCIM Client 1.0.0", false), ("OneLogin", false), ("Azure-AD/1.0", true), ("curl/8", true)])
  func recognition(userAgent: String, appliesEntra: Bool) throws {
    let sent = try Sample.patchMessage(#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"a"}"#)
    #expect(Normaliser(profile: .auto, userAgent: userAgent).userPatch(sent).applied.isEmpty == !appliesEntra)
  }
}
