import SCIM
import Testing

/// Requests as identity providers send them, and the resources that are stored.
@Suite("Dialects of identity providers")
struct DialectTests {
  struct Patched: Sendable, CustomTestStringConvertible {
    var name: String
    var agent: String?
    var before = ""
    var operations: String
    var after: String
    var testDescription: String { name }
  }

  private static let okta = "Okta SCIM Client 1.0.0"
  private static let core = "urn:ietf:params:scim:schemas:core:2.0:User"

  @Test(
    "A PATCH of a user has the result that the sender intended",
    arguments: [
      Patched(
        name: "Okta deactivates without a path", agent: okta, before: #""active":true"#,
        operations: #"{"op":"replace","value":{"active":false}}"#, after: #""active":false"#),
      Patched(
        name: "Okta sets a password", agent: okta, operations: #"{"op":"replace","value":{"password":"1mz050nq","title":"t"}}"#,
        after: #""title":"t""#),
      Patched(
        name: "Entra disables", before: #""active":true"#, operations: #"{"op":"Replace","path":"active","value":"False"}"#,
        after: #""active":false"#),
      Patched(
        name: "Entra adds where it replaces", before: #""title":"a""#, operations: #"{"op":"Add","path":"title","value":"b"}"#,
        after: #""title":"b""#),
      Patched(
        name: "Entra replaces filtered targets that are absent",
        operations: #"""
          {"op":"Replace","path":"emails[type eq \"work\"].value","value":"a@example.com"},
          {"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"1"},
          {"op":"Replace","path":"addresses[type eq \"work\"].country","value":"US"},
          {"op":"Add","path":"roles[primary eq \"True\"].value","value":"Admin"}
          """#,
        after: #"""
          "emails":[{"type":"work","value":"a@example.com"}],"phoneNumbers":[{"type":"mobile","value":"1"}],
          "addresses":[{"type":"work","country":"US"}],"roles":[{"primary":true,"value":"Admin"}]
          """#),
      Patched(
        name: "Entra with its compliance flag on",
        operations: #"{"op":"replace","value":{"displayName":"a","name.givenName":"b","\#(Sample.enterprise):employeeNumber":"c"}}"#,
        after: #""displayName":"a","name":{"givenName":"b"},"\#(Sample.enterprise)":{"employeeNumber":"c"}"#),
      Patched(
        name: "Entra unassigns by null", before: #""title":"a","emails":[{"value":"b"}],"name":{"givenName":"c"}"#,
        operations: #"{"op":"replace","value":{"title":null,"emails":null}},{"op":"Replace","path":"name.givenName","value":null}"#,
        after: ""),
      Patched(
        name: "Entra's manager: a bare string", operations: #"{"op":"Add","path":"\#(Sample.enterprise):manager","value":"7"}"#,
        after: #""\#(Sample.enterprise)":{"manager":{"value":"7"}}"#),
      Patched(
        name: "Entra's manager: behind a dot", operations: #"{"op":"Add","path":"\#(Sample.enterprise).manager","value":"7"}"#,
        after: #""\#(Sample.enterprise)":{"manager":{"value":"7"}}"#),
      Patched(
        name: "Entra's manager: an array at the bare name",
        operations: #"{"op":"Add","path":"manager","value":[{"$ref":"http://a/scim/Users/7","value":"7"}]}"#,
        after: #""\#(Sample.enterprise)":{"manager":{"value":"7","$ref":"http://a/scim/Users/7"}}"#),
      Patched(
        name: "Entra's manager: its id by a path",
        operations: #"{"op":"Replace","path":"\#(Sample.enterprise):manager.value","value":"7"}"#,
        after: #""\#(Sample.enterprise)":{"manager":{"value":"7"}}"#),
      Patched(
        name: "Entra removes the manager by the empty string", before: #""\#(Sample.enterprise)":{"manager":{"value":"7"}}"#,
        operations: #"{"op":"Replace","path":"\#(Sample.enterprise):manager","value":""}"#, after: ""),
      Patched(
        name: "Entra removes the manager by an empty id", before: #""\#(Sample.enterprise)":{"manager":{"value":"7"}}"#,
        operations: #"{"op":"Replace","path":"manager","value":{"value":""}}"#, after: ""),
      Patched(
        name: "Entra's role: JSON inside of a string",
        operations: #"{"op":"Add","path":"roles","value":[{"value":"{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"Admins\"}"}]}"#,
        after: #""roles":[{"value":"Admin","display":"Admins"}]"#),
      Patched(
        name: "Entra's role: JSON inside of a string, at a filtered target",
        operations: #"{"op":"Add","path":"roles[primary eq \"True\"].value","value":"{\"id\":\"1\",\"value\":\"Admin\"}"}"#,
        after: #""roles":[{"value":"Admin","primary":true}]"#),
      Patched(
        name: "a number where text is meant", operations: #"{"op":"replace","path":"employeeNumber","value":701984}"#,
        after: #""\#(Sample.enterprise)":{"employeeNumber":"701984"}"#),
      Patched(
        name: "JumpCloud replaces one by one",
        operations: #"{"op":"replace","value":{"displayName":"a"}},{"op":"replace","value":{"title":"b"}}"#,
        after: #""displayName":"a","title":"b""#),
      Patched(
        name: "role: a path", operations: #"{"op":"replace","path":"secodaRole","value":"editor"}"#, after: #""secodaRole":"editor""#),
      Patched(
        name: "role: a path with the core URN", operations: #"{"op":"Add","path":"\#(core):secodaRole","value":"editor"}"#,
        after: #""secodaRole":"editor""#),
      Patched(
        name: "role: a path with another URN",
        operations: #"{"op":"Add","path":"urn:okta:acme_secoda:1.0:user:custom:secodaRole","value":"editor"}"#,
        after: #""secodaRole":"editor""#),
      Patched(name: "role: a key", operations: #"{"op":"replace","value":{"secodaRole":"editor"}}"#, after: #""secodaRole":"editor""#),
      Patched(
        name: "role: a key with the core URN", operations: #"{"op":"replace","value":{"\#(core):secodaRole":"editor"}}"#,
        after: #""secodaRole":"editor""#),
      Patched(
        name: "role: below another URN", operations: #"{"op":"replace","value":{"urn:okta:acme:1.0:user:custom":{"secodaRole":"editor"}}}"#,
        after: #""secodaRole":"editor""#),
      Patched(
        name: "role: below the core URN", operations: #"{"op":"replace","value":{"\#(core)":{"secodaRole":"editor"}}}"#,
        after: #""secodaRole":"editor""#),
    ])
  func patched(example: Patched) throws {
    let sent = try Sample.patchMessage(example.operations)
    let patch = try Patch(Normaliser(profile: .auto, userAgent: example.agent).userPatch(sent))
    try patch.check(against: Sample.schemas.user)
    let changed = try patch.applied(to: Sample.user(example.before), schemas: Sample.schemas)
    #expect(changed.attributes == (try Sample.user(example.after)).attributes)
  }

  @Test(
    "A POST or PUT of a user has the result that the sender intended",
    arguments: [
      // Okta creates a user when an app is assigned.
      (
        ConnectionProfile.okta,
        #""name":{"givenName":"Ana"},"emails":[{"primary":true,"value":"a","type":"work"}],"locale":"en-US","externalId":"00u","groups":[],"password":"x","active":true"#,
        #""name":{"givenName":"Ana"},"emails":[{"primary":true,"value":"a","type":"work"}],"locale":"en-US","externalId":"00u","active":true"#
      ),
      // Okta sends a PUT of the resource that it has read.
      (
        .okta,
        #""id":"7","active":true,"groups":[{"value":"8","display":"g"}],"meta":{"resourceType":"User","version":"W/\"1\"","location":"https://a/scim/Users/7"}"#,
        #""active":true"#
      ),
      (.okta, #""urn:ietf:params:scim:schemas:core:2.0:User":{"secodaRole":"editor"}"#, #""secodaRole":"editor""#),
      (.okta, #""urn:okta:acme:1.0:user:custom":{"secodaRole":"editor"}"#, #""secodaRole":"editor""#),
      (.onelogin, #""emails":{"value":"a","type":"work"}"#, #""emails":[{"value":"a","type":"work"}]"#),
      (
        .onelogin, #""emails":[{"value":"a"}],"department":"d","manager":"7""#,
        #""emails":[{"value":"a"}],"\#(Sample.enterprise)":{"department":"d","manager":{"value":"7"}}"#
      ),
      (
        .entra,
        #""roles":[{"primary":"True","type":"WindowsAzureActiveDirectoryRole","value":"{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"A\"}"}],"title":null"#,
        #""roles":[{"primary":true,"type":"WindowsAzureActiveDirectoryRole","value":"Admin","display":"A"}]"#
      ),
      // The extension is present, but its URN is missing from schemas.
      (.entra, #""\#(Sample.enterprise)":{"department":"d","manager":null}"#, #""\#(Sample.enterprise)":{"department":"d"}"#),
      (.auto, #""active":"True","timezone":1"#, #""active":true,"timezone":"1""#),
    ])
  func resource(profile: ConnectionProfile, sent: String, stored: String) throws {
    let body = try Sample.json(#"{"userName":"ana@example.com",\#(sent)}"#)
    let user = try UserDocument(Normaliser(profile: profile, userAgent: nil).user(body).json, schemas: Sample.schemas)
    #expect(user.attributes == (try Sample.user(stored)).attributes)
  }

  @Test(
    "A PATCH of a group has the result that the sender intended",
    arguments: [
      (#"{"op":"replace","value":{"id":"7","displayName":"New"}}"#, "New", []),
      (
        #"{"op":"remove","path":"members[value eq \"a\"]"},{"op":"add","path":"members","value":[{"value":"b","display":"Ben"}]}"#,
        "Data team", [MembershipEdit.remove(["a"]), .add(["b"])]
      ),
      (#"{"op":"Add","path":"members","value":[{"$ref":null,"value":"a"}]}"#, "Data team", [.add(["a"])]),
      (#"{"op":"Remove","path":"members","value":[{"value":"a"},{"value":"b"}]}"#, "Data team", [.remove(["a", "b"])]),
      (#"{"op":"Remove","path":"members","value":[{"$ref":null,"value":"a"}]}"#, "Data team", [.remove(["a"])]),
      // Entra ID was reported to send this when it means an add. The result is that of the RFC.
      (#"{"op":"Replace","path":"members","value":[{"value":"a"}]}"#, "Data team", [.replace(["a"])]),
      (#"{"op":"replace","path":"members","value":[]}"#, "Data team", [.replace([])]),
      (#"{"op":"add","value":{"members":[{"value":"a"},{"value":"a"}]}}"#, "Data team", [.add(["a"])]),
    ] as [(String, String, [MembershipEdit])])
  func group(operations: String, name: String, edits: [MembershipEdit]) throws {
    let normalised = Normaliser(profile: .auto, userAgent: nil).groupPatch(try Sample.patchMessage(operations))
    let (document, made) = try Patch(normalised).applied(to: Sample.group(), schemas: Sample.schemas)
    #expect(document.displayName == name)
    #expect(made == edits)
  }

  @Test("If the role attribute has several values, the primary one is the role")
  func roleAmongMany() throws {
    let schemas = ResourceSchemas(roleAttribute: "roles")
    let body = try Sample.json(
      #"{"userName":"a","roles":[{"value":"viewer"},{"value":"{\"value\":\"Admin\"}","primary":"True"}]}"#)
    #expect(
      try UserDocument(Normaliser(profile: .entra, userAgent: nil, schemas: schemas).user(body).json, schemas: schemas).role == "Admin")
  }

  @Test(
    "A PATCH of only the read-only groups is rejected; next to other attributes they are ignored, and so are id and meta")
  func readOnly() throws {
    func refused(_ operation: String) throws -> SCIMErrorType? {
      let patch = try Patch(Normaliser(profile: .okta, userAgent: nil).userPatch(Sample.patchMessage(operation)))
      return refusal { _ = try patch.applied(to: Sample.user(), schemas: Sample.schemas) }?.scimType
    }
    #expect(try refused(#"{"op":"replace","value":{"groups":[{"value":"7"}]}}"#) == .mutability)
    #expect(try refused(#"{"op":"replace","value":{"groups":[],"title":"t"}}"#) == nil)
    #expect(try refused(#"{"op":"replace","value":{"id":"7","meta":{}}}"#) == nil)
  }
}

@Suite("The strict profile")
struct StrictTests {
  @Test(
    "rejects nonstandard PATCHes",
    arguments: [
      (#"{"op":"Replace","path":"active","value":true}"#, SCIMErrorType.invalidSyntax),
      (#"{"op":"replace","path":"active","value":"False"}"#, .invalidValue),
      (#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"a"}"#, .noTarget),
      (#"{"op":"replace","path":"manager","value":"7"}"#, .invalidPath),
      (#"{"op":"replace","path":"\#(Sample.enterprise):manager","value":"7"}"#, .invalidValue),
      (#"{"op":"replace","path":"\#(Sample.enterprise).manager","value":{"value":"7"}}"#, .invalidPath),
      (#"{"op":"replace","value":{"name.givenName":"b"}}"#, .invalidPath),
      (#"{"op":"replace","value":{"id":"7","displayName":"a"}}"#, .mutability),
      (#"{"op":"replace","value":{"shoeSize":"44"}}"#, .invalidPath),
      (#"{"op":"replace","value":{"name":{"shoeName":"x"}}}"#, .invalidPath),
      (#"{"op":"replace","path":"shoeSize","value":"44"},{"op":"replace","path":"active","value":true}"#, .invalidPath),
      (#"{"op":"add","path":"emails","value":"a@example.com"}"#, .invalidValue), (#"{"op":"remove","path":"meta"}"#, .mutability),
      (#"{"op":"replace","path":"emails","value":"a@example.com"}"#, .invalidValue),
      (#"{"op":"replace","value":{"emails":"a@example.com"}}"#, .invalidValue),
      (#"{"op":"remove","path":"emails","value":[{"value":"a@example.com"}]}"#, .invalidValue),
      (#"{"op":"remove","path":"title","value":"t"}"#, .invalidValue),
    ])
  func patches(operations: String, type: SCIMErrorType) throws {
    let error = refusal {
      let patch = try Patch(Normaliser(profile: .strict, userAgent: "Azure").userPatch(Sample.patchMessage(operations)).json)
      try patch.check(against: Sample.schemas.user)
      try patch.rejectNonstandardForms(of: Sample.schemas.user)
      _ = try patch.applied(to: Sample.user(), schemas: Sample.schemas)
    }
    #expect(error?.scimType == type, "\(String(describing: error))")
  }

  @Test(
    "rejects a resource that does not follow its schemas",
    arguments: [
      (#"{"userName":"a"}"#, "schemas"), (#"{"schemas":["\#(core)"],"userName":"a","emails":{"value":"b"}}"#, "emails"),
      (#"{"schemas":["\#(core)"],"userName":"a","active":"true"}"#, "active"),
      (#"{"schemas":["\#(core)","urn:x:y"],"userName":"a"}"#, "urn:x:y"),
      (#"{"schemas":["\#(core)"],"userName":"a","shoeSize":44}"#, "shoeSize"),
      (#"{"schemas":["\#(core)"],"userName":"a","emails":[{"value":"b","kind":"work"}]}"#, "emails.kind"),
      (#"{"schemas":["\#(core)"],"userName":"a","\#(Sample.enterprise)":{"floor":"4"}}"#, "\(Sample.enterprise):floor"),
    ])
  func resources(sent: String, mention: String) throws {
    let error = refusal {
      let json = Normaliser(profile: .strict, userAgent: nil).user(try Sample.json(sent)).json
      try Sample.schemas.user.rejectUnknownAttributes(in: json)
      _ = try UserDocument(json, schemas: Sample.schemas)
    }
    #expect(error?.status == 400)
    #expect(error?.detail.contains(mention) == true, "\(String(describing: error))")
  }

  @Test("accepts a resource with read-only attributes and null values, as the RFCs define")
  func accepted() throws {
    let json = try Sample.json(
      #"{"schemas":["\#(Self.core)","\#(Sample.enterprise)"],"id":"7","userName":"a","title":null,"meta":{"version":"x"},"\#(Sample.enterprise)":{"manager":{"value":"8","displayName":"M"}}}"#
    )
    try Sample.schemas.user.rejectUnknownAttributes(in: json)
    _ = try UserDocument(json, schemas: Sample.schemas)
  }

  private static let core = "urn:ietf:params:scim:schemas:core:2.0:User"
}
