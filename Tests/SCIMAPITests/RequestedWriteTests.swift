import Models
import Queries
import SCIM
import Testing

@testable import scim_api

@Suite("What a body asks for")
struct RequestedWriteTests {
  @Test("A user travels as a document of the schema, without the password and what is read-only")
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

  @Test("What a sender is known to do otherwise is made up for, and named")
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
    "The strict profile refuses what the RFCs refuse, and names it",
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
    "What no stored state could make right is refused at once",
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

  private func write(
    _ verb: RequestedWrite.Verb, _ kind: ResourceKind, _ body: String, profile: WorkspaceSettings.ConnectionProfile = .auto
  ) throws -> RequestedWrite {
    try RequestedWrite(verb, kind, try JSON(parsing: body), profile: profile, userAgent: nil, schemas: ResourceSchemas())
  }
}
