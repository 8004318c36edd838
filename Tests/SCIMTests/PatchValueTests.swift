import Models
import SCIM
import SCIMStorage
import Testing

/// The effect of PATCHes, as identity providers send them, on multi-valued attributes.
@Suite("PATCH of multi-valued attributes")
struct PatchValueTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var before: String
    var operation: String
    var after: String
    var testDescription: String { name }
  }

  private static let urn = "urn:example:scim:schemas:acme:2.0:User"
  private static let schemas = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
    extensions: [
      SchemaExtension(
        id: urn, name: "Acme",
        attributes: [
          .init(name: "scores", type: .decimal, multiValued: true), .init(name: "code", caseExact: true),
          .init(name: "codes", multiValued: true, caseExact: true),
          .init(
            name: "desks", type: .complex, multiValued: true,
            subAttributes: [.init(name: "value"), .init(name: "tags", multiValued: true), .init(name: "free", type: .boolean)]),
          .init(name: "car", type: .complex, subAttributes: [.init(name: "plate"), .init(name: "tags", multiValued: true)]),
        ])
    ]
  ).schemas

  private func user(_ attributes: String) throws -> UserDocument {
    let more = attributes.isEmpty ? "" : ",\(attributes)"
    return try UserDocument(
      Sample.json(#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@example.com"\#(more)}"#),
      schemas: Self.schemas)
  }

  private func patched(_ operation: String, _ before: String) throws -> JSONObject {
    let patch = try Patch(Normaliser(profile: .entra, userAgent: nil, schemas: Self.schemas).userPatch(Sample.patchMessage(operation)))
    try patch.check(against: Self.schemas.user)
    // The store parses the PATCH again, as it does with the command.
    return try Patch(JSON(parsing: patch.json())).applied(to: user(before), schemas: Self.schemas).attributes
  }

  private static let two = #""emails":[{"value":"x","type":"work"},{"value":"x","type":"home"},{"value":"y"}]"#
  private static let scores = #""\#(urn)":{"scores":[1,2.5,3]}"#

  @Test(
    "A removal with a value removes the values that are equal in all given sub-attributes",
    arguments: [
      Case(
        name: "value and type", before: two, operation: #"{"op":"remove","path":"emails","value":[{"value":"x","type":"home"}]}"#,
        after: #""emails":[{"value":"x","type":"work"},{"value":"y"}]"#),
      Case(
        name: "type alone, in another case", before: two, operation: #"{"op":"remove","path":"emails","value":{"type":"HOME"}}"#,
        after: #""emails":[{"value":"x","type":"work"},{"value":"y"}]"#),
      Case(
        name: "text", before: two, operation: #"{"op":"remove","path":"emails","value":"x"}"#, after: #""emails":[{"value":"y"}]"#),
      Case(
        name: "two texts", before: two, operation: #"{"op":"remove","path":"emails","value":["x","Y"]}"#, after: ""),
      Case(
        name: "a boolean, as text", before: #""emails":[{"value":"x","primary":true},{"value":"y"}]"#,
        operation: #"{"op":"Remove","path":"emails","value":[{"primary":"True"}]}"#, after: #""emails":[{"value":"y"}]"#),
      Case(
        name: "sub-attributes that are null are ignored", before: two,
        operation: #"{"op":"remove","path":"emails","value":[{"value":"y","type":null}]}"#,
        after: #""emails":[{"value":"x","type":"work"},{"value":"x","type":"home"}]"#),
      Case(
        name: "a value that does not exist", before: two,
        operation: #"{"op":"remove","path":"emails","value":[{"value":"y","type":"work"}]}"#,
        after: two),
      Case(
        name: "among the values that a filter selects", before: two,
        operation: #"{"op":"remove","path":"emails[type eq \"work\"]","value":[{"value":"y"}]}"#, after: two),
      Case(
        name: "a sub-attribute of selected values, with another value", before: two,
        operation: #"{"op":"Remove","path":"emails[type eq \"work\"].value","value":"z"}"#, after: two),
      Case(
        name: "a sub-attribute of selected values, with its value", before: two,
        operation: #"{"op":"Remove","path":"emails[type eq \"work\"].value","value":"X"}"#,
        after: #""emails":[{"type":"work"},{"value":"x","type":"home"},{"value":"y"}]"#),
      Case(
        name: "numbers", before: scores, operation: #"{"op":"remove","path":"\#(urn):scores","value":[1,2.50]}"#,
        after: #""\#(urn)":{"scores":[3]}"#),
      Case(
        name: "a number as text", before: scores, operation: #"{"op":"remove","path":"\#(urn):scores","value":"3"}"#,
        after: #""\#(urn)":{"scores":[1,2.5]}"#),
      Case(
        name: "text with case", before: #""\#(urn)":{"codes":["a","A"]}"#,
        operation: #"{"op":"remove","path":"\#(urn):codes","value":["A"]}"#, after: #""\#(urn)":{"codes":["a"]}"#),
      Case(
        name: "a boolean sub-attribute", before: #""\#(urn)":{"desks":[{"value":"1","free":true},{"value":"2","free":false}]}"#,
        operation: #"{"op":"remove","path":"\#(urn):desks","value":[{"free":false}]}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","free":true}]}"#),
      Case(
        name: "a value of a multi-valued sub-attribute",
        before: #""\#(urn)":{"desks":[{"value":"1","tags":["a","b"]},{"value":"2","tags":["a"]}]}"#,
        operation: #"{"op":"remove","path":"\#(urn):desks[value eq \"1\"].tags","value":"a"}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","tags":["b"]},{"value":"2","tags":["a"]}]}"#),
      Case(
        name: "a single value that differs", before: #""title":"a""#, operation: #"{"op":"remove","path":"title","value":"b"}"#,
        after: #""title":"a""#),
      Case(
        name: "a single value", before: #""title":"a""#, operation: #"{"op":"remove","path":"title","value":"A"}"#, after: ""),
      Case(
        name: "a single complex value", before: #""\#(Sample.enterprise)":{"manager":{"value":"7","$ref":"/Users/7"}}"#,
        operation: #"{"op":"remove","path":"manager","value":"7"}"#, after: ""),
      Case(
        name: "null for a single value", before: #""title":"a""#, operation: #"{"op":"Remove","path":"title","value":null}"#, after: ""),
    ])
  func removal(example: Case) throws {
    #expect(try patched(example.operation, example.before) == user(example.after).attributes)
  }

  @Test(
    "A removal without a target is rejected",
    arguments: [
      (#"{"op":"remove","path":"emails","value":[{}]}"#, SCIMErrorType.invalidValue),
      (#"{"op":"remove","path":"emails","value":[{"value":null}]}"#, .invalidValue),
      (#"{"op":"remove","path":"emails","value":null}"#, .invalidValue),
      (#"{"op":"remove","path":"emails","value":[null]}"#, .invalidValue),
      (#"{"op":"remove","path":"emails","value":[{"value":"x","kind":"y"}]}"#, .invalidPath),
      (#"{"op":"remove","path":"emails","value":[{"primary":"perhaps"}]}"#, .invalidValue),
      (#"{"op":"remove","path":"emails","value":[{"value":["x"]}]}"#, .invalidValue),
      (#"{"op":"remove","path":"addresses","value":["x"]}"#, .invalidValue),
      (#"{"op":"remove","path":"\#(urn):scores","value":["x"]}"#, .invalidValue),
      (#"{"op":"remove","path":"\#(urn)","value":{"scores":[1]}}"#, .invalidValue),
      (#"{"op":"remove","path":"title","value":{"x":1}}"#, .invalidValue),
    ])
  func refusedRemoval(operation: String, type: SCIMErrorType) {
    let error = refusal { _ = try patched(operation, Self.two) }
    #expect(error?.scimType == type, "\(String(describing: error))")
  }

  @Test(
    "Members are removed by value, by text or by $ref",
    arguments: [
      (#"[{"value":"a"}]"#, [MembershipEdit.remove(["a"])]), (#"["a","b"]"#, [.remove(["a", "b"])]), (#""a""#, [.remove(["a"])]),
      (#"[{"$ref":"https://example.com/api/v2/scim/Users/a"}]"#, [.remove(["a"])]),
      (#"[{"value":"a","display":"Ana","$ref":null}]"#, [.remove(["a"])]),
      (#"[{"value":"a","$ref":"https://example.com/Users/b"}]"#, []), (#"[{"value":"a","type":"Group"}]"#, []),
      (#"[{"value":"a","type":"User"}]"#, [.remove(["a"])]), ("[]", [.add([])]),
    ])
  func members(value: String, edits: [MembershipEdit]) throws {
    let sent = try Sample.patchMessage(#"{"op":"Remove","path":"members","value":\#(value)}"#)
    let patch = try Patch(Normaliser(profile: .auto, userAgent: nil).groupPatch(sent))
    #expect(try Patch(JSON(parsing: patch.json())).applied(to: Sample.group(), schemas: Sample.schemas).memberEdits == edits)
  }

  @Test(
    "A removal of members without ids is rejected",
    arguments: [
      "null", "[{}]", "[null]", #"[{"value":null}]"#, #"[{"display":"Ana"}]"#, #"[{"email":"a"}]"#, "[5.5,{}]", #"{"$ref":7}"#,
      #"[{"value":"a"},{"display":"Ben"}]"#,
    ])
  func refusedMembers(value: String) throws {
    for profile in ConnectionProfile.allCases {
      let error = refusal {
        let sent = try Sample.patchMessage(#"{"op":"remove","path":"members","value":\#(value)}"#)
        let patch = try Patch(Normaliser(profile: profile, userAgent: nil).groupPatch(sent))
        _ = try patch.applied(to: Sample.group(), schemas: Sample.schemas)
      }
      #expect(error?.status == 400, "\(profile): \(String(describing: error))")
    }
  }

  @Test(
    "An add to a multi-valued sub-attribute appends one value or several",
    arguments: [
      Case(
        name: "of selected values", before: #""\#(urn)":{"desks":[{"value":"1","tags":["a"]}]}"#,
        operation: #"{"op":"add","path":"\#(urn):desks[value eq \"1\"].tags","value":["b","a"]}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","tags":["a","b"]}]}"#),
      Case(
        name: "one value", before: #""\#(urn)":{"desks":[{"value":"1","tags":["a"]}]}"#,
        operation: #"{"op":"add","path":"\#(urn):desks[value eq \"1\"].tags","value":"b"}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","tags":["a","b"]}]}"#),
      Case(
        name: "of all values", before: #""\#(urn)":{"desks":[{"value":"1","tags":["a"]},{"value":"2"}]}"#,
        operation: #"{"op":"add","path":"\#(urn):desks.tags","value":["b"]}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","tags":["a","b"]},{"value":"2","tags":["b"]}]}"#),
      Case(
        name: "in an existing value", before: #""\#(urn)":{"desks":[{"value":"1","tags":["a"]}]}"#,
        operation: #"{"op":"add","path":"\#(urn):desks","value":[{"value":"1","tags":["b"]}]}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","tags":["a","b"]}]}"#),
      Case(
        name: "of a single complex value", before: #""\#(urn)":{"car":{"plate":"x","tags":["a"]}}"#,
        operation: #"{"op":"add","path":"\#(urn):car.tags","value":"b"}"#, after: #""\#(urn)":{"car":{"plate":"x","tags":["a","b"]}}"#),
      Case(
        name: "in a single complex value", before: #""\#(urn)":{"car":{"plate":"x","tags":["a"]}}"#,
        operation: #"{"op":"add","value":{"\#(urn)":{"car":{"tags":["b"]}}}}"#, after: #""\#(urn)":{"car":{"plate":"x","tags":["a","b"]}}"#),
      Case(
        name: "a replace overwrites", before: #""\#(urn)":{"desks":[{"value":"1","tags":["a"]}]}"#,
        operation: #"{"op":"replace","path":"\#(urn):desks[value eq \"1\"].tags","value":"b"}"#,
        after: #""\#(urn)":{"desks":[{"value":"1","tags":["b"]}]}"#),
      Case(
        name: "one value of a simple attribute", before: scores, operation: #"{"op":"add","path":"\#(urn):scores","value":4}"#,
        after: #""\#(urn)":{"scores":[1,2.5,3,4]}"#),
    ])
  func addition(example: Case) throws {
    #expect(try patched(example.operation, example.before) == user(example.after).attributes)
  }

  @Test(
    "A change leaves no duplicates, and a value keeps its type",
    arguments: [
      Case(
        name: "two values become one",
        before: #""emails":[{"value":"a","type":"work","primary":true},{"value":"b","type":"work","display":"B"}]"#,
        operation: #"{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}"#,
        after: #""emails":[{"value":"x","display":"B","type":"work","primary":true}]"#),
      Case(
        name: "all values become one", before: #""emails":[{"value":"a","primary":true},{"value":"b","display":"B"}]"#,
        operation: #"{"op":"replace","path":"emails.value","value":"x"}"#, after: #""emails":[{"value":"x","display":"B","primary":true}]"#),
      Case(
        name: "one becomes another", before: #""emails":[{"value":"a","type":"home"},{"value":"a","type":"work","display":"A"}]"#,
        operation: #"{"op":"replace","path":"emails[type eq \"home\"].type","value":"work"}"#,
        after: #""emails":[{"value":"a","display":"A","type":"work"}]"#),
      Case(
        name: "text instead of an object", before: #""emails":[{"value":"a","type":"work","primary":true},{"value":"b","type":"home"}]"#,
        operation: #"{"op":"replace","path":"emails[type eq \"work\"]","value":"x"}"#,
        after: #""emails":[{"value":"x","type":"work","primary":true},{"value":"b","type":"home"}]"#),
      Case(
        name: "an object without a type", before: #""emails":[{"value":"a","type":"work"}]"#,
        operation: #"{"op":"replace","path":"emails[type eq \"work\" and value sw \"a\"]","value":{"value":"x","display":"X"}}"#,
        after: #""emails":[{"value":"x","display":"X","type":"work"}]"#),
      Case(
        name: "an object with another type", before: #""emails":[{"value":"a","type":"work"}]"#,
        operation: #"{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x","type":"home"}}"#,
        after: #""emails":[{"value":"x","type":"home"}]"#),
      Case(
        name: "text for all: the primary value",
        before: #""emails":[{"value":"a","type":"work"},{"value":"b","type":"home","primary":true}]"#,
        operation: #"{"op":"replace","path":"emails","value":"x"}"#,
        after: #""emails":[{"value":"a","type":"work"},{"value":"x","type":"home","primary":true}]"#),
      Case(
        name: "text for all: the one for work", before: #""emails":[{"value":"b","type":"home"},{"value":"a","type":"work"}]"#,
        operation: #"{"op":"replace","value":{"emails":"x"}}"#,
        after: #""emails":[{"value":"b","type":"home"},{"value":"x","type":"work"}]"#),
      Case(
        name: "text for all: the first", before: #""emails":[{"value":"b","type":"home"},{"value":"a"}]"#,
        operation: #"{"op":"Replace","path":"emails","value":"x"}"#, after: #""emails":[{"value":"x","type":"home"},{"value":"a"}]"#),
      Case(
        name: "text for none", before: "", operation: #"{"op":"replace","path":"emails","value":"x"}"#, after: #""emails":[{"value":"x"}]"#),
      Case(
        name: "text for a role", before: #""roles":[{"value":"a","primary":true},{"value":"b"}]"#,
        operation: #"{"op":"replace","path":"roles","value":"{\"value\":\"Admin\"}"}"#,
        after: #""roles":[{"value":"Admin","primary":true},{"value":"b"}]"#),
      Case(
        name: "an array replaces all", before: two, operation: #"{"op":"replace","path":"emails","value":["z"]}"#,
        after: #""emails":[{"value":"z"}]"#),
    ])
  func change(example: Case) throws {
    #expect(try patched(example.operation, example.before) == user(example.after).attributes)
  }

  @Test("Members may be plain ids, except in the strict profile")
  func plainMembers() throws {
    let operations = [
      #"{"op":"add","path":"members","value":["a","b"]}"#, #"{"op":"add","value":{"members":["a",{"value":"b"}]}}"#,
      #"{"op":"add","value":{"urn:ietf:params:scim:schemas:core:2.0:Group":{"members":["a","b"]}}}"#,
    ]
    for operation in operations {
      let sent = try Sample.patchMessage(operation)
      let patch = try Patch(Normaliser(profile: .okta, userAgent: nil).groupPatch(sent))
      #expect(try patch.applied(to: Sample.group(), schemas: Sample.schemas).memberEdits == [.add(["a", "b"])])
      let strict = try Patch(Normaliser(profile: .strict, userAgent: nil).groupPatch(sent))
      #expect(refusal { _ = try strict.applied(to: Sample.group(), schemas: Sample.schemas) }?.scimType == .invalidValue)
    }
    for (members, ids) in [(#"["a",{"value":"b"}]"#, ["a", "b"]), (#""a""#, ["a"]), (#"{"value":"a"}"#, ["a"])] {
      let body = try Sample.json(#"{"displayName":"g","members":\#(members)}"#)
      let group = try GroupDocument(Normaliser(profile: .auto, userAgent: nil).group(body).json, schemas: Sample.schemas)
      #expect(group.members.map(\.value) == ids)
    }
  }

  @Test(
    "A member without an id is rejected with its position",
    arguments: [
      (#"[{"value":"a"},{"value":null}]"#, "members[1].value must be the id of a user, found null"),
      ("[{}]", "members[0].value must be the id of a user, found nothing"),
      (#"[{"value":""}]"#, #"members[0].value must be the id of a user, found the string """#),
    ])
  func memberWithoutID(members: String, detail: String) throws {
    let post = refusal { _ = try Sample.group(#""members":\#(members)"#) }
    #expect(post?.scimType == .invalidValue)
    #expect(post?.detail.contains(detail) == true, "\(post?.detail ?? "")")
    let patch = refusal {
      _ = try Sample.patch(#"{"op":"add","path":"members","value":\#(members)}"#).applied(to: Sample.group(), schemas: Sample.schemas)
    }
    #expect(patch?.scimType == .invalidValue)
    #expect(patch?.detail.contains(detail) == true, "\(patch?.detail ?? "")")
  }
}
