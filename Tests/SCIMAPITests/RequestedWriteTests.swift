import Models
import SCIM
import SCIMStorage
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Parsing of write requests")
struct RequestedWriteTests {
  @Test("A user is sent as a document of the schema, without password and read-only attributes")
  func user() throws {
    let write = try write(
      .create, .user,
      """
      {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Ana@example.com","groups":[],"password":"1mz050nq","id":"7",
       "meta":{"resourceType":"User"},"externalId":"00u1","active":true}
      """)
    guard case .createUser(let document) = write.operation else {
      Issue.record("\(write.operation)")
      return
    }
    let json = try #require(try JSON(parsing: document).object)
    #expect(json["userName"] == "Ana@example.com")
    #expect(json["externalId"] == "00u1")
    for name in ["password", "groups", "id", "meta"] { #expect(json[name] == nil) }
  }

  @Test("Known deviations of a sender are normalised and listed")
  func normalised() throws {
    let write = try write(
      .patch, .user,
      """
      {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}
      """)
    guard case .patchUser(let patch) = write.operation else {
      Issue.record("\(write.operation)")
      return
    }
    let operation = try Patch(JSON(parsing: patch)).operations[0]
    #expect(operation.kind == .replace)
    #expect(operation.value == false)
    #expect(write.normalisations.contains("upper-case-operation"))
    #expect(write.normalisations.contains("text-for-boolean"))
  }

  @Test(
    "The strict profile rejects what the RFCs reject, by name",
    arguments: [
      (RequestedWrite.Verb.create, ResourceKind.user, #"{"userName":"ana@example.com","active":"False"}"#, "schemas"),
      (
        .replace, .user, #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a","shoeSize":44}"#, "shoeSize"
      ),
      (.create, .group, #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g","owner":"a"}"#, "owner"),
      (
        .patch, .user,
        #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","value":{"shoeSize":44}}]}"#, "shoeSize"
      ),
    ])
  func strict(verb: RequestedWrite.Verb, kind: ResourceKind, body: String, mention: String) {
    let error = #expect(throws: SCIMError.self) { try write(verb, kind, body, profile: .strict) }
    #expect(error?.status == 400)
    #expect(error?.detail.contains(mention) == true, "\(error?.detail ?? "")")
  }

  @Test(
    "Requests that are invalid in every state are rejected immediately",
    arguments: [
      (RequestedWrite.Verb.create, ResourceKind.user, #"{"displayName":"X"}"#, SCIMErrorType.invalidValue, "userName"),
      (.create, .user, #"{"userName":""}"#, .invalidValue, "userName"), (.create, .user, "[]", .invalidSyntax, "object"),
      (.replace, .group, #"{"externalId":"x"}"#, .invalidValue, "displayName"),
      (.patch, .user, "{}", .invalidSyntax, "Operations"),
      (.patch, .user, #"{"Operations":[{"op":"replace","path":"shoeSize","value":1}]}"#, .invalidPath, "shoeSize"),
      (.patch, .group, #"{"Operations":[{"op":"remove"}]}"#, .noTarget, "path"),
    ])
  func refused(verb: RequestedWrite.Verb, kind: ResourceKind, body: String, type: SCIMErrorType, mention: String) {
    let error = #expect(throws: SCIMError.self) { try write(verb, kind, body) }
    #expect(error?.scimType == type)
    #expect(error?.detail.contains(mention) == true, "\(error?.detail ?? "")")
  }

  @Test(
    "A write that disables a user contains what can be applied, and lists the rest",
    arguments: [
      (
        RequestedWrite.Verb.patch,
        #"{"op":"replace","path":"titel","value":"x"},{"op":"Replace","path":"active","value":"False"}"#, ["titel"]
      ),
      (.patch, #"{"op":"replace","value":{"active":false,"title":"t","shoeSize":44}}"#, ["shoeSize"]),
      (
        .patch, #"{"op":"replace","value":{"active":false,"\#(enterprise)":{"division":"d","departmnt":"x"}}}"#, ["\(enterprise):departmnt"]
      ),
      (
        .patch, #"{"op":"replace","path":"emails[","value":"x"},{"op":"replace","path":"\#(core):active","value":false}"#, ["Operations[0]"]
      ),
      (.patch, #"{"op":"move","path":"title"},{"op":"replace","value":{"active":false}}"#, ["Operations[0]"]),
      (.patch, #"{"op":"replace","path":"id","value":"x"},{"op":"add","path":"\#(core)","value":{"active":false}}"#, ["id"]),
      (.patch, #"{"op":"remove","path":"emails","value":null},{"op":"replace","path":"active","value":false}"#, ["emails"]),
      (.replace, #""userName":"a","active":false,"title":5.5,"emails":[{"value":{}}],"nickName":"n""#, ["emails"]),
      (.replace, #""active":"False","title":"t""#, ["userName"]),
      (.replace, #""userName":"a","\#(core)":{"active":false},"\#(enterprise)":7"#, [enterprise]),
      (.replace, #""userName":"a","USERNAME":"b","active":false"#, ["userName"]),
    ] as [(RequestedWrite.Verb, String, [String])])
  func disabling(verb: RequestedWrite.Verb, content: String, unapplied: [String]) throws {
    let write = try write(verb, .user, verb == .patch ? patchBody(content) : "{\(content)}")
    let json = try JSON(parsing: write.operation.body)
    #expect(UnappliedChange.list(in: json).map(\.path) == unapplied)
    #expect(UnappliedChange.list(in: json).allSatisfy { !$0.detail.isEmpty })
    if verb == .patch { #expect(try Patch(json).deactivates) } else { #expect(UserDocument.deactivates(json)) }
  }

  @Test(
    "Other partly invalid writes are rejected entirely",
    arguments: [
      (RequestedWrite.Verb.patch, #"{"op":"replace","path":"titel","value":"x"},{"op":"replace","path":"active","value":true}"#),
      (
        .patch,
        #"{"op":"replace","path":"active","value":false},{"op":"replace","value":{"x":1}},{"op":"add","path":"active","value":true}"#
      ),
      (.patch, #"{"op":"replace","path":"active","value":false},{"op":"add","path":"x","value":1},{"op":"remove","path":"active"}"#),
      (.replace, #""userName":"a","active":true,"emails":[{"value":{}}]"#), (.create, #""userName":"a","active":false,"emails":7"#),
    ])
  func notDisabling(verb: RequestedWrite.Verb, content: String) {
    #expect(throws: SCIMError.self) { try write(verb, .user, verb == .patch ? patchBody(content) : "{\(content)}") }
  }

  @Test("With the strict profile only the form of the RFC disables a user, whatever else the request contains")
  func strictDisabling() throws {
    let schemas = #""schemas":["\#(Self.core)"]"#
    let put = try write(.replace, .user, #"{\#(schemas),"userName":"a","active":false,"shoeSize":44}"#, profile: .strict)
    #expect(UnappliedChange.list(in: try JSON(parsing: put.operation.body)).map(\.path) == ["shoeSize"])
    let patch = try write(
      .patch, .user,
      patchBody(#"{"op":"replace","path":"active","value":false},{"op":"remove","path":"title","value":"x"}"#), profile: .strict)
    #expect(UnappliedChange.list(in: try JSON(parsing: patch.operation.body)).map(\.path) == ["title"])
    for body in [
      #"{\#(schemas),"userName":"a","active":"False"}"#, #"{\#(schemas),"active":true}"#,
    ] {
      #expect(throws: SCIMError.self) { try write(.replace, .user, body, profile: .strict) }
    }
    let text = try write(.patch, .user, patchBody(#"{"op":"replace","path":"active","value":"False"}"#), profile: .strict)
    #expect(try !Patch(JSON(parsing: text.operation.body)).deactivates)
  }

  @Test("A user is disabled even by a PATCH with too many operations")
  func excess() throws {
    let many = Array(repeating: #"{"op":"add","path":"title","value":"t"}"#, count: RequestedWrite.maximumOperations)
    let disabling = try write(
      .patch, .user, patchBody((many + [#"{"op":"Replace","path":"active","value":"False"}"#]).joined(separator: ",")))
    let json = try JSON(parsing: disabling.operation.body)
    #expect(UnappliedChange.list(in: json).map(\.path) == ["Operations"])
    #expect(try Patch(json).operations.count == 1)
    let enabling = patchBody((many + [#"{"op":"Replace","path":"active","value":"True"}"#]).joined(separator: ","))
    #expect(throws: SCIMError.self) { try write(.patch, .user, enabling) }
  }

  @Test("Clients cannot send the list of unapplied changes, and it contains no secrets")
  func secrets() throws {
    let forged = #"{"userName":"a","active":true,"urn:rollcall:params:scim:unapplied":[{"path":"title","detail":"x"}]}"#
    #expect(UnappliedChange.list(in: try JSON(parsing: write(.replace, .user, forged).operation.body)).isEmpty)
    let disabling = try write(
      .patch, .user,
      patchBody(
        #"{"op":"add","path":"password[x eq \"s3cret\"","value":"s3cret"},{"op":"replace","value":{"active":false,"password":"s3cret"}}"#))
    #expect(!String(decoding: disabling.operation.body, as: UTF8.self).contains("s3cret"))
    let parsed = try self.write(
      .patch, .user,
      patchBody(
        #"{"op":"add","path":"password[value eq \"s3cret\"]","value":"s3cret"},{"op":"replace","value":{"active":false,"pwd \"s3cret\"":1}}"#
      ))
    #expect(!String(decoding: parsed.operation.body, as: UTF8.self).contains("s3cret"))
    #expect(UnappliedChange.list(in: try JSON(parsing: parsed.operation.body)).count == 2)
  }

  private static let core = "urn:ietf:params:scim:schemas:core:2.0:User"
  private static let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

  private func patchBody(_ operations: String) -> String {
    #"{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[\#(operations)]}"#
  }

  private func write(
    _ verb: RequestedWrite.Verb, _ kind: ResourceKind, _ body: String, profile: WorkspaceSettings.ConnectionProfile = .auto
  ) throws -> RequestedWrite {
    try RequestedWrite(verb, kind, try JSON(parsing: body), profile: profile, userAgent: nil, schemas: ResourceSchemas())
  }
}

extension Command.Operation {
  /// The document or message of a write.
  fileprivate var body: [UInt8] {
    switch self {
    case .createUser(let data), .replaceUser(let data), .patchUser(let data), .createGroup(let data), .replaceGroup(let data),
      .patchGroup(let data):
      data
    default: []
    }
  }
}
