import SCIM
import Testing

@Suite("PATCH of a user (RFC 7644 §3.5.2)")
struct UserPatchTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var before: String
    var operations: String
    var after: String
    var testDescription: String { name }
  }

  @Test(
    "Operations change their targets",
    arguments: [
      Case(
        name: "replace a simple attribute", before: "", operations: #"{"op":"replace","path":"active","value":false}"#,
        after: #""active":false"#),
      Case(
        name: "replace without a path", before: #""displayName":"a","title":"t""#,
        operations: #"{"op":"replace","value":{"displayName":"b","title":null}}"#, after: #""displayName":"b""#),
      Case(
        name: "the other sub-attributes of a complex value are unchanged", before: #""name":{"givenName":"a","familyName":"b"}"#,
        operations: #"{"op":"replace","path":"name","value":{"givenName":"c"}}"#, after: #""name":{"givenName":"c","familyName":"b"}"#),
      Case(
        name: "a sub-attribute", before: #""name":{"givenName":"a"}"#,
        operations: #"{"op":"add","path":"name.familyName","value":"b"}"#, after: #""name":{"givenName":"a","familyName":"b"}"#),
      Case(
        name: "remove a sub-attribute", before: #""name":{"givenName":"a"}"#, operations: #"{"op":"remove","path":"name.givenName"}"#,
        after: ""),
      Case(
        name: "add to many values", before: #""emails":[{"value":"a","primary":true}]"#,
        operations: #"{"op":"add","path":"emails","value":[{"value":"b","primary":true}]}"#,
        after: #""emails":[{"value":"a","primary":false},{"value":"b","primary":true}]"#),
      Case(
        name: "add a value that exists", before: #""emails":[{"value":"a"}]"#,
        operations: #"{"op":"add","path":"emails","value":[{"value":"a"}]}"#, after: #""emails":[{"value":"a"}]"#),
      Case(
        name: "replace all values", before: #""emails":[{"value":"a"}]"#,
        operations: #"{"op":"replace","path":"emails","value":[{"value":"b"}]}"#, after: #""emails":[{"value":"b"}]"#),
      Case(
        name: "replace a sub-attribute of a selected value", before: #""emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]"#,
        operations: #"{"op":"replace","path":"emails[type eq \"work\"].value","value":"c"}"#,
        after: #""emails":[{"value":"c","type":"work"},{"value":"b","type":"home"}]"#),
      Case(
        name: "add creates the value that a filter of equalities describes", before: "",
        operations: #"{"op":"add","path":"emails[type eq \"work\"].value","value":"c"}"#, after: #""emails":[{"type":"work","value":"c"}]"#),
      Case(
        name: "remove selected values", before: #""emails":[{"value":"a","type":"work"},{"value":"b","type":"home"}]"#,
        operations: #"{"op":"remove","path":"emails[type eq \"work\"]"}"#, after: #""emails":[{"value":"b","type":"home"}]"#),
      Case(
        name: "an extension's attribute by its URI", before: "",
        operations: #"{"op":"add","path":"\#(Sample.enterprise):department","value":"Data"}"#,
        after: #""\#(Sample.enterprise)":{"department":"Data"}"#),
      Case(
        name: "an extension as a key", before: #""\#(Sample.enterprise)":{"division":"X"}"#,
        operations: #"{"op":"replace","value":{"\#(Sample.enterprise)":{"department":"Data"}}}"#,
        after: #""\#(Sample.enterprise)":{"division":"X","department":"Data"}"#),
      Case(
        name: "the role under its namespace", before: "",
        operations: #"{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:secodaRole","value":"admin"}"#,
        after: #""secodaRole":"admin""#),
      Case(
        name: "a password is accepted and discarded", before: "", operations: #"{"op":"replace","path":"password","value":"x"}"#, after: ""),
    ])
  func changes(example: Case) throws {
    let changed = try Sample.patch(example.operations).applied(to: Sample.user(example.before), schemas: Sample.schemas)
    #expect(changed.attributes == (try Sample.user(example.after)).attributes)
  }

  @Test(
    "An operation that cannot be applied is rejected with its number",
    arguments: [
      (#"{"op":"remove"}"#, SCIMErrorType.noTarget), (#"{"op":"replace","path":"nonsense","value":1}"#, .invalidPath),
      (#"{"op":"replace","path":"emails[","value":1}"#, .invalidPath),
      (#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"c"}"#, .noTarget),
      (#"{"op":"replace","path":"id","value":"c"}"#, .mutability), (#"{"op":"replace","path":"userName","value":""}"#, .invalidValue),
      (#"{"op":"remove","path":"userName"}"#, .mutability), (#"{"op":"replace","path":"active","value":"False"}"#, .invalidValue),
      (#"{"op":"move","path":"active","value":true}"#, .invalidSyntax), (#"{"op":"replace","value":{"name.givenName":"x"}}"#, .invalidPath),
    ])
  func refused(operations: String, type: SCIMErrorType) {
    let error = refusal { _ = try Sample.patch(operations).applied(to: Sample.user(), schemas: Sample.schemas) }
    #expect(error?.scimType == type, "\(String(describing: error))")
    #expect(error?.status == 400)
  }

  @Test("A PATCH survives serialisation")
  func travels() throws {
    let patch = try Sample.patch(#"{"op":"add","path":"emails[type eq \"wo\\\"rk\"].value","value":"c"},{"op":"remove","path":"title"}"#)
    #expect(try Patch(JSON(parsing: patch.json())) == patch)
  }
}

@Suite("PATCH of a group")
struct GroupPatchTests {
  @Test(
    "Changes of members are edits that do not need the current members",
    arguments: [
      (#"{"op":"add","path":"members","value":[{"value":"a","display":"Ana"}]}"#, [MembershipEdit.add(["a"])]),
      (#"{"op":"remove","path":"members[value eq \"a\"]"}"#, [.remove(["a"])]),
      (#"{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}"#, [.remove(["a", "b"])]),
      (#"{"op":"remove","path":"members"}"#, [.removeAll]),
      (#"{"op":"replace","path":"members","value":[{"value":"a"}]}"#, [.replace(["a"])]),
      (#"{"op":"replace","value":{"members":[{"value":"a"}]}}"#, [.replace(["a"])]),
      (#"{"op":"replace","path":"displayName","value":"x"}"#, []),
      (
        #"{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"b"}]}"#,
        [.remove(["a"]), .add(["b"])]
      ),
    ])
  func edits(operations: String, expected: [MembershipEdit]) throws {
    let patch = try Sample.patch(operations)
    let (_, edits) = try patch.applied(to: Sample.group(), schemas: Sample.schemas)
    #expect(edits == expected)
    #expect(patch.mentionedMemberEdits == expected)
  }

  @Test("A rename changes the name but no members")
  func rename() throws {
    let (group, edits) = try Sample.patch(#"{"op":"replace","value":{"displayName":"New"}}"#).applied(
      to: Sample.group(), schemas: Sample.schemas)
    #expect(group.displayName == "New")
    #expect(edits.isEmpty)
  }
}
